// Opens GraphiQL at URL in a headless Chromium, as a person would: puts TOKEN under Headers, runs
// the query that is there, and another one. Prints what was seen as JSON; leaves a screenshot.
// Usage: node graphiql.mjs URL TOKEN FOLDER
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [url, token, folder] = process.argv.slice(2);

// The package unpacks the browser into the temporary folder; this one is ours. It also brings the
// libraries that a slim machine lacks, but unpacks them only where it believes to be in a function.
process.env.TMPDIR = folder;
process.env.AWS_LAMBDA_JS_RUNTIME = "nodejs22.x";
const { default: binary } = await import("@sparticuz/chromium");
const { chromium } = await import("playwright-core");

const PATIENCE = 60_000;
const ARGUMENTS = ["--headless=shell", "--no-sandbox", "--no-zygote", "--disable-gpu", "--disable-dev-shm-usage"];

const executablePath = await binary.executablePath();
// Its list of fonts names the temporary folder of the machine; without any font it dies.
const fonts = join(folder, "fonts", "fonts.conf");
writeFileSync(fonts, readFileSync(fonts, "utf8").replaceAll("/tmp/fonts", join(folder, "fonts")));

const browser = await chromium.launch({ executablePath, args: ARGUMENTS });
try {
  console.log(JSON.stringify(await visit(await browser.newPage({ viewport: { width: 1280, height: 800 } }))));
} finally {
  await browser.close();
}

async function visit(page) {
  page.setDefaultTimeout(PATIENCE);
  const complaints = [];
  const hosts = new Set();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith("data:")) hosts.add(new URL(request.url()).host);
  });

  await page.goto(url);
  const editor = page.locator(".graphiql-query-editor .CodeMirror");
  await editor.waitFor();
  // The documentation appears once introspection, without any token, was answered.
  await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
  await page.getByText("Root Types").waitFor();

  await setEditor(page, ".graphiql-editor-tool .graphiql-editor:not(.hidden) .CodeMirror", JSON.stringify({ Authorization: `Bearer ${token}` }));
  const dashboard = await run(page);
  assert.ok(dashboard.data, JSON.stringify(dashboard));
  await page.screenshot({ path: join(folder, "graphiql.png") });

  await setEditor(page, ".graphiql-query-editor .CodeMirror", '{ goals(filter: {search: "a"}, first: 1) { nothing } }');
  const refused = await run(page);
  return { goals: dashboard.data.goals.length, name: dashboard.data.me.name, refused: refused.errors, complaints, hosts: [...hosts] };
}

async function setEditor(page, selector, text) {
  await page.locator(selector).first().evaluate((element, value) => element.CodeMirror.setValue(value), text);
}

/** Press the button, and wait for the answer to be shown. */
async function run(page) {
  const answered = page.waitForResponse((response) => response.request().method() === "POST");
  await page.getByRole("button", { name: /execute query/i }).click();
  const answer = await (await answered).json();
  const shown = page.locator(".result-window .CodeMirror");
  const first = JSON.stringify(Object.keys(answer)[0]);
  await shown.getByText(first).first().waitFor();
  return answer;
}
