// The page to try headset and microphone: choose them, see the level, hear oneself over the line.
import { choose, chosen, listen, meter } from "./phone/devices.js";

export default async function headset(part) {
  const at = (selector) => part.querySelector(selector);
  const [microphone, ear] = [at('[name="microphone"]'), at('[name="headset"]')];
  const said = at(".heard");
  let stop = () => {};

  function options(place, devices, value, kind) {
    const named = devices.filter((one) => one.kind === kind && one.deviceId && one.deviceId !== "default");
    place.replaceChildren(new Option("系统默认", ""), ...named.map((one, n) => new Option(one.label || `设备 ${n + 1}`, one.deviceId)));
    place.value = named.some((one) => one.deviceId === value) ? value : "";
  }

  async function begin() {
    stop();
    let stream;
    try {
      stream = await listen();
    } catch {
      said.textContent = "没有取得麦克风：请接好耳机，并在浏览器地址栏允许本页使用麦克风。";
      return;
    }
    const devices = await navigator.mediaDevices.enumerateDevices();
    options(microphone, devices, chosen().microphone, "audioinput");
    options(ear, devices, chosen().headset, "audiooutput");
    let loudest = 0;
    const release = meter(stream, (level) => {
      if (!part.isConnected) { stop(); return; }
      loudest = Math.max(level, loudest * 0.98);
      at("meter").value = level;
      said.textContent = loudest > 0.05 ? "正在收音，音量合适时指示条达到中段。" : "没有听到声音，请对着麦克风说话。";
    });
    stop = () => { release(); stream.getTracks().forEach((track) => track.stop()); };
  }

  for (const place of [microphone, ear]) {
    place.addEventListener("change", () => { choose({ microphone: microphone.value, headset: ear.value }); begin(); });
  }
  navigator.mediaDevices.addEventListener("devicechange", () => { if (part.isConnected) begin(); });

  const echo = at("[data-echo]");
  echo?.addEventListener("click", () => document.dispatchEvent(new CustomEvent("phone:echo")));
  document.addEventListener("phone:state", ({ detail: { state, call } }) => {
    if (!echo || !part.isConnected) return;
    echo.disabled = Boolean(call && !call.echo) || (!call && state !== "ready");
    echo.textContent = call?.echo ? "结束回声测试" : "开始回声测试";
  });
  document.dispatchEvent(new CustomEvent("phone:tell"));
  await begin();
}
