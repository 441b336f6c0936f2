// Report pages on a phone, in the dark, on paper, from foreign names and with 100,000 points.
// Run as: node page_reading_test.mjs FIXTURE_FOLDER BUNDLE_FOLDER (see page_test_support.mjs)
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { finish, fixtures, open, series, test } from "./page_test_support.mjs";

await test("every section is reached from the contents, and every finding leads to its chart", async () => {
  const { page, close } = await open("quickstart_report.html");
  const targets = await page.$$eval("nav.contents a, #verdict a", (all) => all.map((one) => one.getAttribute("href")));
  assert.ok(targets.length > 15);
  for (const target of targets) assert.equal(await page.locator(target).count(), 1, target);
  const sections = await page.$$eval("main section[id]", (all) => all.map((one) => `#${one.id}`));
  for (const section of sections) assert.ok(section === "#verdict" || targets.includes(section), section);
  assert.deepEqual(await page.$$eval(".group", (all) => all.map((one) => one.textContent)), ["Time", "Load", "Drops", "Inside the step"]);
  assert.equal(await page.locator("table:not(:has(caption)), th:not([scope])").count(), 0, "tables have captions and scopes");
  await close();
});

await test("no page scrolls sideways at 390 pixels, in light and dark", async () => {
  for (const name of ["quickstart_report", "recorded_report", "drops_report", "hostile_report", "two_runs_report", "lab_report"]) {
    for (const scheme of ["light", "dark"]) {
      const { page, close } = await open(`${name}.html`, { width: 390, scheme });
      await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390, `${name} ${scheme}`);
      await close();
    }
  }
});

await test("light, dark and the button agree, and screenshots are kept for a look", async () => {
  const colours = {};
  for (const [scheme, width] of [["light", 1280], ["dark", 1280], ["light", 390], ["dark", 390]]) {
    const { page, close } = await open("quickstart_report.html", { width, scheme });
    colours[scheme] = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await page.screenshot({ path: path.join(fixtures, `quickstart-${scheme}-${width}.png`), fullPage: true });
    if (scheme === "dark") {
      await page.click("#theme");
      assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), colours.light);
    }
    await close();
  }
  assert.notEqual(colours.light, colours.dark);
});

await test("hostile names are shown as they are and none of them acts", async () => {
  const names = JSON.parse(fs.readFileSync(path.join(fixtures, "hostile_names.json"), "utf8"));
  const several = await open("hostile_runs_report.html");
  const runs = await several.page.$$eval("select[data-axis='run'] option", (all) => all.map((one) => one.textContent));
  for (const name of names) assert.ok(runs.includes(name), `run ${name}`);
  await several.page.focus("#time-by-skew .chart");
  for (let i = 0; i < 85; ++i) await several.page.keyboard.press(i % 2 ? "ArrowRight" : "ArrowDown");
  assert.equal(await several.page.evaluate(() => window.pwned), undefined);
  await several.close();
  const { page, close } = await open("hostile_report.html");
  const shown = await page.evaluate(() => document.body.innerText + [...document.querySelectorAll("details")].map((one) => one.textContent).join("\n"));
  for (const name of names) assert.ok(shown.includes(name), name);
  assert.equal(await page.evaluate(() => window.pwned), undefined);
  assert.equal(await page.evaluate(() => document.querySelectorAll("iframe, base, img, svg, script:not([type]) ~ script").length), 0);
  await page.focus("#time-by-skew .chart");
  for (let i = 0; i < 45; ++i) await page.keyboard.press(i % 2 ? "ArrowRight" : "ArrowDown");
  for (const axis of await page.locator(".filters select").all()) await axis.selectOption({ index: 1 });
  assert.equal(await page.evaluate(() => window.pwned), undefined);
  await close();
});

await test("a run of 100,000 points opens", async () => {
  const begin = Date.now();
  const { page, close } = await open("large_report.html");
  const seconds = (Date.now() - begin) / 1000;
  console.log(`  opened in ${seconds.toFixed(1)} s`);
  if (process.env.HOTEXPERT_PAGE_SECONDS) assert.ok(seconds <= Number(process.env.HOTEXPERT_PAGE_SECONDS), "slower than HOTEXPERT_PAGE_SECONDS");
  const rows = await page.evaluate(() => [document.querySelectorAll("#points tbody tr").length, window.hotexpert.figures["time-by-skew"].chart.getOption().series[0].data.length]);
  assert.deepEqual(rows, [500, 100], "the table is cut, a line is not");
  assert.match(await page.locator("#points").textContent(), /99500 more rows are in the CSV and JSON forms/);
  assert.equal((await series(page, "time-by-skew")).filter((one) => one.type === "line").length, 10);
  await close();
});

await test("on paper tables are open and buttons are gone", async () => {
  const { page, close } = await open("quickstart_report.html");
  await page.emulateMedia({ media: "print" });
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  assert.equal(await page.locator("details:not([open])").count(), 0, "nothing is folded on paper");
  assert.equal(await page.locator(".toolbar:visible").count(), 0);
  // One picture a chart, with everything in it: a heat map has layers that printers lose.
  const ink = () => page.$$eval(".chart + canvas.paper", (all) => all.map((one) => {
    const { data } = one.getContext("2d").getImageData(0, 0, one.width, one.height);
    return data.filter((value, i) => i % 4 === 3 && value > 0).length / (one.width * one.height);
  }));
  const figures = await page.locator("section:has(.chart)").count();
  const shares = await ink();
  assert.equal(shares.length, figures);
  assert.ok(shares[3] > 0.3, `the heat map's cells: ${shares[3]}`);
  await page.setViewportSize({ width: 720, height: 900 });
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 720, "no table is wider than the paper");
  await page.evaluate(() => dispatchEvent(new Event("afterprint")));
  assert.equal(await page.locator("canvas.paper").count(), 0);
  await close();
});

await finish();
