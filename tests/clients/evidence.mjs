// Runs the JavaScript of docs/evidence.md in a page of ORIGIN, in a headless Chromium: a student
// draws a picture, uploads it, and looks at it; records a film, uploads it, and plays it. Prints what
// was seen as JSON.
// Usage: node evidence.mjs API ORIGIN TOKEN FOLDER
import { readFileSync } from "node:fs";

import { browse, listen } from "./browser.mjs";

const [api, origin, token, folder] = process.argv.slice(2);
const docs = readFileSync(new URL("../../docs/evidence.md", import.meta.url), "utf8");
const [, script] = /```javascript\n(.*?)```/s.exec(docs);
const settings = `const API = ${JSON.stringify(api)}, TOKEN = ${JSON.stringify(token)};`;
const body = `<!doctype html><link rel="icon" href="data:,"><script>${settings}${script}</script>`;

console.log(JSON.stringify(await browse(folder, visit)));

async function visit(page) {
  const complaints = listen(page);
  await page.route(`${origin}/`, (route) => route.fulfill({ contentType: "text/html", body }));
  // The page comes from nowhere: a browser asks before it lets such a one at this machine.
  await page.context().grantPermissions(["local-network-access"]);
  await page.goto(`${origin}/`);
  const seen = await page.evaluate(attach);
  const refused = await page.evaluate(uploadAnother);
  const recording = await page.evaluate(attachRecording);
  return { ...seen, refused, recording, complaints };
}

/** In the page. */
async function attach() {
  const canvas = Object.assign(document.createElement("canvas"), { width: 800, height: 600 });
  canvas.getContext("2d").fillRect(100, 100, 300, 300);
  const drawn = await new Promise((done) => canvas.toBlob(done, "image/jpeg"));
  const file = new File([drawn], "tāku mahi.jpg", { type: "image/jpeg" });
  const goal = (await ask("{ goals(first: 1) { id } }")).goals[0].id;
  const evidence = await addEvidence(goal, file, "Tāku mahi", "A black square");
  const sizes = [];
  for (const address of [evidence.thumbnailUrl, evidence.downloadUrl]) {
    const image = Object.assign(new Image(), { src: address, alt: evidence.altText });
    document.body.append(image);
    await image.decode();
    sizes.push([image.naturalWidth, image.naturalHeight]);
  }
  const saved = await fetch(evidence.downloadUrl);
  return { state: evidence.state, sizes, name: saved.headers.get("Content-Disposition") };
}

/** In the page: what the browser records is played from where it is served. */
async function attachRecording() {
  const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 120 });
  const drawing = canvas.getContext("2d");
  const timer = setInterval(() => drawing.fillRect(Math.random() * 160, 0, 9, 120), 30);
  const sound = new AudioContext();
  const [tone, heard] = [sound.createOscillator(), sound.createMediaStreamDestination()];
  tone.connect(heard);
  tone.start();
  const tracks = [canvas.captureStream(30), heard.stream].flatMap((each) => each.getTracks());
  const recorder = new MediaRecorder(new MediaStream(tracks), { mimeType: "video/webm" });
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  recorder.start(200);
  await new Promise((wake) => setTimeout(wake, 1200));
  await new Promise((wake) => Object.assign(recorder, { onstop: wake }).stop());
  clearInterval(timer);

  const [goal] = (await ask("{ goals(first: 1) { id } }")).goals;
  const file = new File(parts, "waiata", { type: recorder.mimeType });
  const { id, state, rejection, downloadUrl } = await addEvidence(goal.id, file, "Waiata", "");
  const query = "query ($id: UUID!) { evidence(evidenceId: $id) { mediaType fileName seconds } }";
  const { evidence } = await ask(query, { id });
  const video = Object.assign(document.createElement("video"), { src: downloadUrl, muted: true });
  document.body.append(video);
  await video.play();
  await new Promise((wake) => Object.assign(video, { onended: wake, onerror: wake }));
  const size = [video.videoWidth, video.videoHeight];
  return { state, rejection, ...evidence, ended: video.ended, size };
}

/** In the page: it must be able to read why not. */
async function uploadAnother() {
  const [goal] = (await ask("{ goals(first: 1) { id } }")).goals;
  const input = {
    goalId: goal.id, title: "Another", fileName: "a.png", mediaType: "image/png", bytes: 1,
    sha256: "0".repeat(64),
  };
  const { uploadForm } = (await ask(ADD, { input })).addEvidence.evidence;
  const form = new FormData();
  for (const { name, value } of uploadForm.fields) form.append(name, value);
  form.append("file", new Blob(["x".repeat(2_000_000)]));
  const response = await fetch(uploadForm.url, { method: "POST", body: form });
  return [response.status, /<Code>(.*)<\/Code>/.exec(await response.text())[1]];
}
