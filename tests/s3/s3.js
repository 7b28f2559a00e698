// An S3 server for tests: the npm package `s3rver` keeps the objects. It knows its one key; V4 signatures it does not compute.
//   node s3.js <folder> [port]     bucket `recordings`, keys S3RVER / S3RVER; tells its port as a line of JSON
const S3rver = require('s3rver');

const server = new S3rver({
  port: Number(process.argv[3] || 0),
  address: '127.0.0.1',
  silent: true,
  directory: process.argv[2],
  configureBuckets: [{ name: 'recordings' }],
});
server.run().then(({ port }) => process.stdout.write(`${JSON.stringify({ port })}\n`));
process.stdin.resume().on('end', () => process.exit(0));
