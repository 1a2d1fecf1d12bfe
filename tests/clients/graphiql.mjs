// Opens GraphiQL at URL in a headless Chromium, as a person would: puts TOKEN under Headers, runs
// the query that is there, and another one. Prints what was seen as JSON; leaves a screenshot.
// Usage: node graphiql.mjs URL TOKEN FOLDER
import assert from "node:assert/strict";
import { join } from "node:path";

import { browse, listen } from "./browser.mjs";

const [url, token, folder] = process.argv.slice(2);

console.log(JSON.stringify(await browse(folder, visit)));

async function visit(page) {
  const complaints = listen(page);
  const hosts = new Set();
  page.on("request", (request) => {
    if (!request.url().startsWith("data:")) hosts.add(new URL(request.url()).host);
  });

  await page.goto(url);
  const editor = page.locator(".graphiql-query-editor .CodeMirror");
  await editor.waitFor();
  await setEditor(page, ".graphiql-editor-tool .graphiql-editor:not(.hidden) .CodeMirror", JSON.stringify({ Authorization: `Bearer ${token}` }));
  const dashboard = await run(page);
  assert.ok(dashboard.data, JSON.stringify(dashboard));
  // The documentation appears once introspection was answered, with the token.
  await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
  await page.getByText("Root Types").waitFor();
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
