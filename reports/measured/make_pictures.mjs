// Takes the pictures of the README from real runs: node reports/measured/make_pictures.mjs BUILD_FOLDER [RUN_FOLDER]
// Without a run folder it sweeps scenarios/quickstart.toml first (under a minute); do it on a quiet machine.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const project = path.resolve(here, "../..");
const [build, given] = process.argv.slice(2);
if (!build) {
  console.error("usage: node reports/measured/make_pictures.mjs BUILD_FOLDER [RUN_FOLDER]");
  process.exit(2);
}
const hotexpert = (...args) => execFileSync(path.resolve(build, "hotexpert"), args, { cwd: project, stdio: ["ignore", "ignore", "inherit"] });
const work = fs.mkdtempSync(path.join(os.tmpdir(), "hotexpert-pictures-"));
const run = given ? path.resolve(given) : path.join(work, "quickstart");
if (!given) hotexpert("sweep", "scenarios/quickstart.toml", "-o", run);
const page = path.join(work, "report.html");
hotexpert("report", run, "-o", page);

/** Each picture: the page from the top of one element to the bottom of another. */
const pictures = [
  { name: "quickstart", from: "header", to: "#time-by-skew" },
  { name: "quickstart-load", from: "#tokens-per-expert", to: "#load-by-step" },
];
const chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((file) => fs.existsSync(file));
const playwright = createRequire(path.resolve(build, "reports/web/package.json"))("playwright-core");
const browser = await playwright.chromium.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-gpu"] });
const tab = await browser.newPage({ viewport: { width: 1180, height: 900 }, colorScheme: "light" });
await tab.goto(`file://${page}`);
await tab.waitForFunction(() => window.hotexpert !== undefined);
for (const { name, from, to } of pictures) {
  const [first, last] = await Promise.all([from, to].map((one) => tab.locator(one).boundingBox()));
  const clip = { x: 0, y: first.y, width: 1180, height: last.y + last.height - first.y + 16 };
  await tab.screenshot({ path: path.join(here, `${name}.png`), fullPage: true, clip });
  console.log(`${name}.png: ${clip.width} x ${Math.round(clip.height)}`);
}
await browser.close();
fs.rmSync(work, { recursive: true, force: true });
