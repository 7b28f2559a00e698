// What cannot be played is told in words: the server says what is wrong with the stored file.
export function fault({ part, media }) {
  const told = part.querySelector(".fault");
  media.addEventListener("error", async () => {
    told.hidden = false;
    told.textContent = "录音无法播放，正在查明原因。";
    const answer = await fetch(`${part.dataset.recording}/fault?${part.dataset.query}`, { headers: { Accept: "application/json" } });
    const said = await answer.json();
    if (!answer.ok) told.textContent = said.title;
    else if (said.fault) told.textContent = `录音无法完整播放：${said.fault}。请告知档案员，从备份恢复后再调听。`;
    else told.textContent = "录音文件完好，播放被中断，请重新打开本页再试。";
  });
}
