// The numbers of the report pages are those of the command line, and what the sliders compute from them.
// Run as: node page_numbers_test.mjs FIXTURE_FOLDER BUNDLE_FOLDER (see page_test_support.mjs)
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { finish, fixtures, open, test } from "./page_test_support.mjs";

const reportOf = (name) => JSON.parse(fs.readFileSync(path.join(fixtures, `${name}_report.json`), "utf8"));
/** A number as the page writes it: three significant digits, whole numbers whole. */
const shownAs = (value) => (Number.isInteger(value) ? String(value) : value.toPrecision(3));

await test("the sliders of the skewed batch give what the sweep counted and what eplb places", async () => {
  const { page, close } = await open("quickstart_report.html");
  const { rows } = reportOf("quickstart");
  const answer = page.locator("#tokens-per-expert .what-if-answer");
  const [factor, ranks, copies] = [0, 1, 2].map((i) => page.locator("#tokens-per-expert .what-if input").nth(i));
  for (const one of [1, 1.25, 1.5, 2]) {
    await factor.fill(String(one));
    const counted = rows.find((row) => row["skew.target"] === "max_over_mean=4" && row["capacity.factor"] === one)["drop.assignment_fraction"];
    const said = Number((await answer.textContent()).match(/drops ([\d.]+) %/)[1]);
    assert.ok(Math.abs(said - 100 * counted) <= 0.51, `factor ${one}: ${said} for ${100 * counted}`);
  }
  const placed = JSON.parse(fs.readFileSync(path.join(fixtures, "placed_by_eplb.json"), "utf8"));
  assert.ok(placed.length > 20);
  for (const one of placed) {
    await ranks.fill(String(one.ranks));
    await copies.fill(String(one.copies));
    const said = Number((await answer.textContent()).match(/gets ([\d.]+)x/)[1]);
    assert.ok(Math.abs(said - one.max_over_mean) <= 5.1e-3 * one.max_over_mean, `${said} for ${JSON.stringify(one)}`);
  }
  await close();
});

await test("the sliders of weight, slots and ranks say what the points say, and straight lines between them", async () => {
  const mean = (values) => values.reduce((sum, one) => sum + one, 0) / values.length;
  const cases = [
    { report: "lab", chart: "balance-by-weight", axis: "train.weight", line: { "train.method": "megatron" }, positions: { 0: [0.001], 500: [0.01], 1000: [0.1] },
      metrics: { "load.max_over_mean": ["max/mean load", 1, ""], "train.task_loss": ["task loss", 1, ""], "train.max_vio": ["MaxVio in training", 1, ""] } },
    { report: "ranks", chart: "replicas", axis: "placement.slots", line: { "placement.method": "eplb", "ep.ranks": 4 }, positions: { 0: [64], 500: [64, 80], 1000: [80] },
      metrics: { "rank.max_over_mean": ["max/mean rank load", 1, ""], "layer.total_s": ["layer time", 1e-3, " ms"] } },
    { report: "ranks", chart: "rank-scaling", axis: "ep.ranks", line: { "placement.method": "refine", "placement.slots": 64 }, positions: { 0: [4], 500: [4, 16], 1000: [16] },
      metrics: { "layer.imbalance_tax": ["imbalance tax", 0.01, " %"], "rank.max_over_mean": ["max/mean rank load", 1, ""] } },
  ];
  for (const { report, chart, axis, line, positions, metrics } of cases) {
    const { page, close } = await open(`${report}_report.html`);
    const { rows } = reportOf(report);
    const own = rows.filter((row) => Object.entries(line).every(([name, value]) => row[name] === value));
    for (const name of Object.keys(line)) {
      const choice = page.locator(`select[data-axis='${name}']`);
      if (name !== "placement.method" && name !== "train.method") await choice.selectOption({ label: String(line[name]) });
    }
    for (const [position, places] of Object.entries(positions)) {
      await page.locator(`#${chart} .what-if input`).fill(position);
      const text = await page.locator(`#${chart} .what-if-answer div`, { hasText: Object.values(line)[0] }).textContent();
      for (const [metric, [label, divisor, unit]] of Object.entries(metrics)) {
        const at = places.map((place) => mean(own.filter((row) => row[axis] === place).map((row) => row[metric])));
        const expected = `${label} ${shownAs(mean(at) / divisor)}${unit}`;
        assert.ok(text.includes(expected), `${chart} at ${places}: ${expected} in ${text}`);
      }
    }
    await close();
  }
});

await test("the capacity slider says what each line drops and takes between the factors that ran", async () => {
  const { page, close } = await open("quickstart_report.html");
  const { rows } = JSON.parse(fs.readFileSync(path.join(fixtures, "quickstart_report.json"), "utf8"));
  const slider = page.locator("#drops .what-if input");
  const answer = page.locator("#drops .what-if-answer div", { hasText: /=3:/ });
  const at = (factor, metric) => rows.find((row) => row["skew.target"] === "max_over_mean=3" && row.kernel === "padded" && row["capacity.factor"] === factor)[metric];
  for (const [position, low, high, share] of [["500", 1.5, 1.5, 0], ["750", 1.5, 2, 0.5]]) {
    await slider.fill(position);
    const expected = (metric) => at(low, metric) + share * (at(high, metric) - at(low, metric));
    const text = await answer.textContent();
    assert.ok(text.includes(`dropped assignments ${(100 * expected("drop.assignment_fraction")).toPrecision(3)} %`), text);
    assert.ok(text.includes(`layer time ${(1000 * expected("layer.total_s")).toPrecision(3)} ms`), text);
  }
  await close();
});

await test("every number of the page is the one that the command line gives", async () => {
  for (const name of ["quickstart_report", "recorded_report"]) {
    const { page, close } = await open(`${name}.html`);
    const report = JSON.parse(fs.readFileSync(path.join(fixtures, `${name}.json`), "utf8"));
    const data = await page.evaluate(() => JSON.parse(document.getElementById("report-data").textContent));
    for (const metric of Object.keys(report.metrics)) {
      assert.deepEqual(data.columns[metric].value, report.rows.map((row) => row[metric] ?? null), metric);
      if (data.columns[metric].low) assert.deepEqual(data.columns[metric].low, report.points.map((one) => one.metrics[metric]?.ci95?.[0] ?? null));
    }
    assert.deepEqual(await page.$$eval("#verdict .findings a", (all) => all.length), report.findings.length);
    // The table of all points: four significant digits of the same numbers, in the unit of its title.
    const divisors = { "ms": 1e-3, "µs": 1e-6, "s": 1, "%": 0.01 };
    const table = await page.evaluate(() => [...document.querySelectorAll("#points tr")].map((row) => [...row.cells].map((cell) => cell.textContent)));
    for (const [metric, { label }] of Object.entries(report.metrics)) {
      const column = table[0].findIndex((title) => title === label || title.startsWith(`${label}, `));
      const divisor = divisors[table[0][column].slice(label.length + 2)] ?? 1;
      report.rows.forEach((row, i) => {
        const shown = table[i + 1][column];
        if (row[metric] === undefined) assert.equal(shown, "", `${metric} ${i}`);
        else assert.ok(Math.abs(Number(shown) * divisor - row[metric]) <= Math.abs(row[metric]) * 5.1e-4, `${metric} ${i}: ${shown} for ${row[metric]}`);
      });
    }
    await close();
  }
});

await test("arrays are embedded once and tables of arrays follow the filters", async () => {
  const { page, close } = await open("quickstart_report.html");
  const data = await page.evaluate(() => JSON.parse(document.getElementById("report-data").textContent));
  assert.equal(Object.keys(data.series["load.by_step"]).length, 75, "of every point that ran");
  assert.equal(new Set(Object.values(data.series["load.by_step"])).size, 5, "one a skew");
  const hottest = () => page.$$eval("#load-by-step tbody td", (all) => Math.max(...all.map((one) => Number(one.textContent))));
  assert.equal(await page.locator("#load-by-step thead th").count(), 9);
  assert.equal(await hottest(), 2.5, "4.00 in one layer, 1.00 in the other");
  await page.selectOption("select[data-axis='skew.target']", { label: "max_over_mean=2" });
  assert.equal(await hottest(), 1.5);
  await close();
});

await finish();
