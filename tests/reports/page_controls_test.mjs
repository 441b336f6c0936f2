// What a reader does with a report page: filters, zoom, keys, copies of tables and charts.
// Run as: node page_controls_test.mjs FIXTURE_FOLDER BUNDLE_FOLDER (see page_test_support.mjs)
import assert from "node:assert/strict";
import fs from "node:fs";
import { browser, chartText, finish, open, series, test } from "./page_test_support.mjs";

await test("filters, legend, log scale, zoom and sliders work", async () => {
  const { page, close } = await open("quickstart_report.html");
  await page.selectOption("select[data-axis='kernel']", { label: "padded" });
  let lines = (await series(page, "time-by-skew")).filter((one) => one.type === "line");
  assert.deepEqual(lines.map((one) => one.name), ["padded"]);
  assert.equal(await page.locator("#time-by-skew tbody tr:visible, #time-by-skew tbody tr:not([hidden])").count(), 5);
  await page.selectOption("select[data-axis='capacity.factor']", { label: "1.25" });
  assert.match(await page.locator("#time-by-skew .slice").textContent(), /capacity\.factor 1\.25/);
  await page.click(".filters button[type='reset']");
  lines = (await series(page, "time-by-skew")).filter((one) => one.type === "line");
  assert.equal(lines.length, 3);

  await page.click("#time-by-skew .legend-entry:has-text('loop')");
  lines = (await series(page, "time-by-skew")).filter((one) => one.type === "line");
  assert.deepEqual(lines.map((one) => one.name), ["padded", "grouped"]);
  await page.click("#time-by-skew button:has-text('Log scale')");
  assert.equal(await page.evaluate(() => window.hotexpert.figures["time-by-skew"].chart.getOption().yAxis[0].type), "log");

  const zoom = () => page.evaluate(() => { const z = window.hotexpert.figures["time-by-skew"].chart.getOption().dataZoom[0]; return [z.start, z.end]; });
  await page.click("#time-by-skew button[aria-label='Zoom in']");
  assert.deepEqual(await zoom(), [25, 75]);
  await page.click("#time-by-skew button[aria-label='Reset zoom']");
  assert.deepEqual(await zoom(), [0, 100]);

  await close();
});

await test("percentiles are shown in place of the mean", async () => {
  const { page, close } = await open("quickstart_report.html");
  const first = () => page.evaluate(() => window.hotexpert.figures.drops.chart.getOption().series.find((one) => one.name === "max_over_mean=3").data[0][1]);
  const mean = await first();
  await page.selectOption("#drops select[aria-label^='Statistic']", "p95");
  assert.ok(Math.abs((await first()) / mean - 1.2) < 1e-9);
  assert.ok((await chartText(page, "drops")).includes("p95 of dropped assignments, %"));
  assert.ok((await page.$$eval("#drops thead th", (all) => all.map((one) => one.textContent))).join().includes("p50,p95,p99,max"));
  assert.equal(await page.locator("#time-by-skew select").count(), 0, "times have no percentiles");
  await close();
});

await test("keys reach the values of a chart", async () => {
  const { page, close } = await open("quickstart_report.html");
  await page.focus("#time-by-skew .chart");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  const tip = page.locator("#time-by-skew .tip");
  assert.match(await tip.textContent(), /padded.*max\/mean load.*ms.*95 % interval.*measured/);
  await page.keyboard.press("ArrowDown");
  assert.match(await tip.textContent(), /grouped/);
  await close();
});

await test("tables copy as tab-separated text and charts are saved as SVG and PNG", async () => {
  const { page, close } = await open("quickstart_report.html");
  await browser.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.click("#time-by-skew button:has-text('Copy table')");
  const text = await page.evaluate(() => navigator.clipboard.readText());
  const rows = text.split("\n").map((row) => row.split("\t"));
  assert.equal(rows.length, 16);
  assert.ok(rows[0].includes("layer time, ms"));
  for (const [kind, start] of [["SVG", "<svg"], ["PNG", "\x89PNG"]]) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.click(`#time-by-skew button:text-is('${kind}')`)]);
    const saved = fs.readFileSync(await download.path(), "latin1");
    assert.ok(saved.startsWith(start), `${kind}: ${saved.slice(0, 20)}`);
    if (kind === "SVG") assert.ok(saved.includes("Layer time against skew") && saved.includes("padded"));
  }
  await close();
});

await finish();
