// A headless Chromium from a package, for the scripts beside this one.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const PATIENCE = 60_000;
const ARGUMENTS = ["--headless=shell", "--no-sandbox", "--no-zygote", "--disable-gpu", "--disable-dev-shm-usage"];

/** Give `visit` a page of a browser that unpacks itself into `folder`; returns what it returns. */
export async function browse(folder, visit) {
  // The package unpacks the browser into the temporary folder; this one is ours. It also brings the
  // libraries that a slim machine lacks, but unpacks them only where it believes to be in a function.
  process.env.TMPDIR = folder;
  process.env.AWS_LAMBDA_JS_RUNTIME = "nodejs22.x";
  const { default: binary } = await import("@sparticuz/chromium");
  const { chromium } = await import("playwright-core");

  const executablePath = await binary.executablePath();
  // Its list of fonts names the temporary folder of the machine; without any font it dies.
  const fonts = join(folder, "fonts", "fonts.conf");
  writeFileSync(fonts, readFileSync(fonts, "utf8").replaceAll("/tmp/fonts", join(folder, "fonts")));

  const browser = await chromium.launch({ executablePath, args: ARGUMENTS });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(PATIENCE);
    return await visit(page);
  } finally {
    await browser.close();
  }
}

/** Collect what the page complains about. */
export function listen(page) {
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  return complaints;
}
