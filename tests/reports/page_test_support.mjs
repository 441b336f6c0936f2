// What the page tests share: Chromium with the report pages of FIXTURE_FOLDER, and ways to look into a chart.
// Ends with 77 and the reason where Chromium, the charts or playwright-core are absent.
import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";

export const [fixtures, bundle] = process.argv.slice(2);
const skip = (reason) => {
  console.log(`skipped: ${reason}`);
  process.exit(77);
};
const chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((file) => fs.existsSync(file));
if (!chromium) skip("Chromium is not installed (on Debian: apt install chromium)");
if (!fs.existsSync(path.join(bundle, "node_modules/playwright-core"))) skip("playwright-core is not in the build folder (npm could not install it)");
const playwright = createRequire(path.join(path.resolve(bundle), "package.json"))("playwright-core");

const profile = fs.mkdtempSync(path.join(os.tmpdir(), "hotexpert-page-"));
export const browser = await playwright.chromium.launchPersistentContext(profile, {
  executablePath: chromium,
  headless: true,
  acceptDownloads: true,
  viewport: { width: 1280, height: 900 },
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

/** Opens a page and fails if it asks for anything, logs an error, or runs a script that is not its own. */
export async function open(name, { width = 1280, scheme = "light" } = {}) {
  const page = await browser.newPage();
  const complaints = [];
  const file = `file://${path.resolve(fixtures, name)}`;
  page.on("request", (request) => {
    const url = request.url();
    if (url !== file && !url.startsWith("data:") && !url.startsWith("blob:")) complaints.push(`request ${url}`);
  });
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog ${dialog.message()}`);
    dialog.dismiss();
  });
  await page.setViewportSize({ width, height: 900 });
  await page.emulateMedia({ colorScheme: scheme });
  await page.goto(file);
  await page.waitForFunction(() => window.hotexpert !== undefined);
  return { page, complaints, close: async () => { assert.deepEqual(complaints, []); await page.close(); } };
}

export const series = (page, id) =>
  page.evaluate((key) => window.hotexpert.figures[key].chart.getOption().series.map((one) => ({ name: one.name, type: one.type, points: one.data.length, dash: one.lineStyle?.type })), id);
export const chartText = (page, id) => page.evaluate((key) => {
  const figure = window.hotexpert.figures[key];
  return figure.chart.getZr().storage.getDisplayList(true).map((shape) => shape.style.text ?? "").filter(Boolean);
}, id);

/** Runs one test and names it; the first failure ends the run with its message. */
export async function test(name, body) {
  try {
    await body();
    console.log(`ok   ${name}`);
  } catch (error) {
    console.log(`FAIL ${name}\n${error.stack ?? error}`);
    process.exit(1);
  }
}

/** Ends the run: every test passed. */
export async function finish() {
  await browser.close();
  fs.rmSync(profile, { recursive: true, force: true });
}
