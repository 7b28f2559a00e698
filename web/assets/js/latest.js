// A place shows the answer to what was asked of it last: an earlier answer that comes late is passed over, and what
// an earlier answer replaced meanwhile is found again.
const asked = new Map();
document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  if (ctx.target?.id) asked.set(ctx.target.id, ctx);
});
document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  const id = ctx.target?.id;
  if (!id) return;
  if (asked.get(id) !== ctx) event.preventDefault();
  else if (!ctx.target.isConnected) ctx.target = document.getElementById(id) ?? ctx.target;
});
