// An SMSC for tests: the npm package `smpp` speaks the protocol, this file only decides how it behaves.
// Commands are JSON lines on stdin, what happens is JSON lines on stdout.
//   {"set": {"response": "ok" | "throttle" | "refuse" | "none" | "drop", "report": "DELIVRD" | null, "mute": false,
//            "error": "000"}}
//   {"reply": {"from": "13800000000", "text": "…"}}   a citizen's message to us
//   {"report": {"id": "id1", "to": "138…", "status": "DELIVRD"}}
//   {"drop": true}                                     cut every link
const smpp = require('smpp');
const readline = require('node:readline');

const behaviour = { response: 'ok', report: 'DELIVRD', mute: false, error: '000' };
const sessions = new Set();
let taken = 0;

const tell = (event, more = {}) => process.stdout.write(`${JSON.stringify({ event, ...more })}\n`);

function report(session, id, to, from, status) {
  const text = `id:${id} sub:001 dlvrd:001 submit date:261123030000 done date:261123030100 stat:${status} err:${behaviour.error} text:`;
  session.deliver_sm(
    { source_addr: to, destination_addr: from, esm_class: 4, short_message: text, receipted_message_id: id },
    (pdu) => tell('report-acknowledged', { id, status: pdu.command_status }),
  );
}

function submitted(session, pdu) {
  const { message: text } = pdu.message_payload ?? pdu.short_message; // the former for more than 254 octets (SMPP 3.4, 5.3.2.32)
  const id = `${process.pid}-${++taken}`; // never the same again, also after a restart
  tell('submit', { id, to: pdu.destination_addr, from: pdu.source_addr, coding: pdu.data_coding, text, response: behaviour.response });
  if (behaviour.response === 'throttle') return session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
  if (behaviour.response === 'refuse') return session.send(pdu.response({ command_status: smpp.ESME_RINVDSTADR }));
  if (behaviour.response === 'drop') return session.socket.destroy();
  if (behaviour.response === 'ok') session.send(pdu.response({ message_id: id }));
  if (behaviour.report && pdu.registered_delivery) {
    setTimeout(() => report(session, id, pdu.destination_addr, pdu.source_addr, behaviour.report), 30);
  }
}

const server = smpp.createServer({}, (session) => {
  sessions.add(session);
  session.on('error', () => session.destroy());
  session.on('close', () => { sessions.delete(session); tell('close'); });
  session.on('bind_transceiver', (pdu) => {
    const good = pdu.system_id === 'hotline' && pdu.password === 'secret';
    tell('bind', { good });
    session.send(pdu.response(good ? {} : { command_status: smpp.ESME_RBINDFAIL }));
  });
  session.on('enquire_link', (pdu) => { if (!behaviour.mute) session.send(pdu.response()); });
  session.on('unbind', (pdu) => { session.send(pdu.response()); session.close(); });
  session.on('submit_sm', (pdu) => { if (!behaviour.mute) submitted(session, pdu); else tell('swallowed'); });
});

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const command = JSON.parse(line);
  if (command.set) Object.assign(behaviour, command.set);
  for (const session of sessions) {
    if (command.drop) session.socket.destroy();
    if (command.report) report(session, command.report.id, command.report.to, '12345', command.report.status);
    if (command.reply) {
      session.deliver_sm(
        { source_addr: command.reply.from, destination_addr: '12345', data_coding: 8, short_message: command.reply.text },
        (pdu) => tell('reply-acknowledged', { status: pdu.command_status }),
      );
    }
  }
  tell('done');
}).on('close', () => process.exit(0));

const port = Number(process.argv[2] || 0);
server.listen(port, '127.0.0.1', () => tell('listening', { port: server.address().port }));
