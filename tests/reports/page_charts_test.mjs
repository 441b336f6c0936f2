// What each chart of the report pages draws: titles, series, panels.
// Run as: node page_charts_test.mjs FIXTURE_FOLDER BUNDLE_FOLDER (see page_test_support.mjs)
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { chartText, finish, fixtures, open, series, test } from "./page_test_support.mjs";

await test("each chart of the quickstart has its title and its series", async () => {
  const { page, close } = await open("quickstart_report.html");
  const titles = await page.$$eval("section:has(.chart) h2", (all) => all.map((one) => one.textContent));
  assert.deepEqual(titles, ["Layer time against skew", "Imbalance tax", "Tokens per expert",
    "Load of each expert over the steps", "Load of each expert in every layer", "Dropped share against capacity factor",
    "What a capacity factor buys, and what it costs", "Where the time goes"]);
  for (const id of ["time-by-skew", "imbalance-tax"]) {
    const all = await series(page, id);
    assert.deepEqual(all.filter((one) => one.type === "line").map((one) => [one.name, one.points, one.dash]),
      [["padded", 5, "solid"], ["grouped", 5, "solid"], ["loop", 5, "solid"]]);
    assert.deepEqual(all.filter((one) => one.type === "custom").map((one) => one.points), [5, 5, 5], "95 % whiskers");
  }
  assert.deepEqual((await series(page, "tokens-per-expert")).map((one) => [one.name, one.type, one.points]), [["skewed", "bar", 8], ["balanced", "bar", 8]]);
  assert.deepEqual(await series(page, "load-by-step"), [{ name: "load over the mean", type: "heatmap", points: 8 * 6, dash: undefined }]);
  assert.deepEqual((await series(page, "load-by-layer")).map((one) => one.points), [2 * 8]);
  const drops = await series(page, "drops");
  assert.equal(drops.length, 6);
  assert.deepEqual([drops[5].name, drops[5].dash], ["uniform router (floor)", "dashed"]);
  assert.deepEqual((await series(page, "phases")).map((one) => one.name), ["routing time", "permute time", "expert time", "combine time"]);
  await close();
});

await test("a profile is drawn: tiles with hatched padding, the ledger from control to measured, shares, the roof", async () => {
  for (const width of [1280, 390]) {
    const { page, close } = await open("profile_report.html", { width });
    assert.deepEqual((await page.$$eval("section:has(.chart) h2", (all) => all.map((one) => one.textContent))).filter((title) => /tiles|ledger|Time of each|roofline/.test(title)),
      ["Timeline of the experts' tiles", "Straggler ledger", "Time of each expert", "Counters against the roofline"]);
    assert.deepEqual((await series(page, "profile-timeline")).map((one) => [one.name, one.type, one.points]),
      [["expert 0", "custom", 1], ["expert 1", "custom", 1], ["expert 2", "custom", 1], ["expert 3", "custom", 1], ["padded rows", "custom", 3]]);
    assert.deepEqual((await series(page, "profile-ledger")).map((one) => one.points), [7, 7]);
    assert.deepEqual(await page.evaluate(() => window.hotexpert.figures["profile-ledger"].chart.getOption().xAxis[0].data),
      ["balanced control", "expert 0", "capacity padding", "permute and combine", "causes below 1 %", "unexplained", "measured step"]);
    assert.deepEqual((await series(page, "profile-share")).map((one) => [one.name, one.points]), [["share of rows", 4], ["share of time", 4]]);
    assert.deepEqual((await series(page, "profile-roofline")).map((one) => [one.type, one.points, one.dash]), [["line", 3, "dashed"], ["scatter", 1, undefined]]);
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, "no sideways scroll");
    await close();
  }
});

await test("what is registered is drawn: axis names, panel titles, mean line and whiskers", async () => {
  const { page, close } = await open("quickstart_report.html");
  const loads = await chartText(page, "tokens-per-expert");
  for (const text of ["Skewed: max/mean 4", "Balanced control", "mean 256", "tokens", "expert"]) assert.ok(loads.includes(text), `${text} in ${loads}`);
  const time = await chartText(page, "time-by-skew");
  for (const text of ["layer time, ms", "max/mean load", "padded", "grouped"]) assert.ok(time.includes(text), `${text} in ${time}`);
  const steps = await chartText(page, "load-by-step");
  for (const text of ["expert", "step", "2.50", "0"]) assert.ok(steps.includes(text), `${text} in ${steps}`);
  const tops = await page.evaluate(() => window.hotexpert.figures["tokens-per-expert"].chart.getOption().yAxis.map((axis) => axis.max));
  assert.equal(tops[0], tops[1], "both panels have one scale");
  await close();
});

await test("recorded and shuffled order have a panel for each step size", async () => {
  const { page, close } = await open("recorded_report.html");
  assert.deepEqual((await series(page, "drops-by-order")).map((one) => one.name),
    ["recorded", "shuffled", "uniform router (floor)", "recorded", "shuffled", "uniform router (floor)"]);
  const texts = await chartText(page, "drops-by-order");
  for (const text of ["256 tokens a step", "4096 tokens a step"]) assert.ok(texts.includes(text));
  await close();
});

await test("drops have their spectrum, rules, layers and policies", async () => {
  const { page, close } = await open("drops_report.html");
  assert.deepEqual((await series(page, "drop-spectrum")).map((one) => [one.name, one.points, one.dash]), [
    ["mean over steps", 49, "solid"], ["exceeded by 5 % of steps", 49, "solid"], ["worst step", 49, "solid"], ["uniform router (floor)", 49, "dashed"]]);
  assert.equal(await page.evaluate(() => window.hotexpert.figures["drop-spectrum"].chart.getOption().yAxis[0].type), "log");
  assert.deepEqual((await series(page, "drops-by-rule")).map((one) => [one.name, one.points]), [["megatron", 3], ["gshard", 3]]);
  assert.deepEqual((await series(page, "drops-by-layer")).map((one) => [one.type, one.points]), [["heatmap", 12]]);
  assert.deepEqual((await series(page, "needed-factor")).map((one) => one.points), [4]);
  assert.deepEqual((await series(page, "drops-by-position")).map((one) => [one.name, one.points]), [["position", 10], ["probs", 10]]);
  assert.deepEqual((await series(page, "drops-by-source-rank")).map((one) => [one.name, one.points]), [["position", 2], ["probs", 2]]);
  assert.match(await page.locator("#drops-by-position .slice").textContent(), /capacity\.factor 1\b/);
  await page.selectOption("select[data-axis='capacity.factor']", { label: "2" });
  assert.equal(await page.locator("#drops-by-position tbody tr").count(), 10);
  const heads = await page.$$eval("#drops-by-layer thead th", (all) => all.map((one) => one.textContent));
  assert.deepEqual(heads, ["layer", "CF 2"]);
  for (const [scheme, width] of [["light", 1280], ["dark", 390]]) {
    const shot = await open("drops_report.html", { width, scheme });
    await shot.page.screenshot({ path: path.join(fixtures, `drops-${scheme}-${width}.png`), fullPage: true });
    await shot.close();
  }
  await close();
});

await test("drops and measured time share a capacity factor, and the knee is marked", async () => {
  const { page, close } = await open("capacity_report.html");
  const all = await series(page, "capacity-cost");
  assert.equal(all.filter((one) => one.type === "line" && one.dash !== "dashed").length, 4, "drops and time of two skews");
  assert.equal(all.filter((one) => one.type === "custom").length, 2, "whiskers of the measured times");
  assert.deepEqual([all.at(-1).name, all.at(-1).dash], ["uniform router (floor)", "dashed"]);
  const texts = await chartText(page, "capacity-cost");
  for (const text of ["dropped, %", "layer time, ms", "capacity factor"]) assert.ok(texts.includes(text), `${text} in ${texts}`);
  const marked = texts.filter((text) => text.startsWith("knee ")).map((text) => Number(text.slice(5)));
  const said = await page.$$eval("a[href='#capacity-cost']", (all) => all.map((one) => one.closest("li")?.textContent ?? "").join(" "));
  const named = [...said.matchAll(/knee is at capacity factor ([0-9.]+)/g)].map((match) => Number(match[1]));
  assert.ok(named.length > 0 && named.every((factor) => marked.includes(factor)), `said ${named}, marked ${marked}`);
  await close();
});

await test("the router lab has its panels, a line a method, and dashed levels", async () => {
  const { page, close } = await open("lab_report.html");
  const titles = await page.$$eval("section:has(.chart) h2", (all) => all.map((one) => one.textContent));
  for (const title of ["Balance and task loss against the balancing weight", "What balance costs: task loss, max/mean load, layer time", "Training: task loss and load over the steps",
    "How imbalance arises: tokens, gradient and loss of the hottest expert", "Time to quality: task loss against layer time"]) assert.ok(titles.includes(title), title);
  const named = async (id, type) => (await series(page, id)).filter((one) => one.type === type && one.name !== "marks").map((one) => [one.name, one.points]);
  const weights = (await named("balance-by-weight", "line")).filter(([, points]) => points === 3);
  assert.deepEqual(weights, [["megatron", 3], ["bias", 3], ["megatron", 3], ["bias", 3]]);
  assert.deepEqual(await named("pareto", "scatter"), Array(3).fill([["none", 1], ["megatron", 3], ["bias", 3]]).flat());
  const curves = (await series(page, "training-curves")).filter((one) => one.points === 20);
  assert.deepEqual([...new Set(curves.map((one) => one.name))], ["none", "megatron 0.01", "bias 0.01"], "each method at its best weight");
  assert.equal((await series(page, "time-to-quality")).filter((one) => one.points === 20 && one.dash === "dashed").length, 6);
  for (const text of ["wanted: 1.3", "weight"]) assert.ok((await chartText(page, "balance-by-weight")).includes(text), text);
  assert.ok((await chartText(page, "collapse")).includes("Its share of the gradient"));
  await page.selectOption("select[data-axis='seed']", { label: "2" });
  assert.equal(await page.locator("#balance-by-weight tbody tr").count(), 7);
  for (const [scheme, width] of [["light", 1280], ["dark", 1280], ["light", 390], ["dark", 390]]) {
    const shot = await open("lab_report.html", { width, scheme });
    await shot.page.screenshot({ path: path.join(fixtures, `lab-${scheme}-${width}.png`), fullPage: true });
    await shot.close();
  }
  await close();
});

await test("two runs are lines of one chart", async () => {
  const { page, close } = await open("two_runs_report.html");
  const lines = (await series(page, "time-by-skew")).filter((one) => one.type === "line");
  assert.equal(lines.length, 6);
  await close();
});

await test("ranks have a timeline, loads before and after placement, and placements a verdict", async () => {
  const { page, close } = await open("ranks_report.html");
  const titles = await page.$$eval("section:has(.chart) h2", (all) => all.map((one) => one.textContent));
  for (const title of ["Imbalance tax against ranks", "What each rank does, and waits for", "Rank load before placement", "Rank load after placement", "What better placement gains", "Rank load against replicas"])
    assert.ok(titles.includes(title), `${title} in ${titles}`);
  const bars = await series(page, "rank-timeline");
  const count = Object.fromEntries(bars.map((one) => [one.name, one.points]));
  assert.deepEqual(count, { compute: 4, "network, modelled": 8, wait: 3 }, "two exchanges a rank; the slowest waits for nobody");
  assert.deepEqual((await series(page, "rank-load-before")).map((one) => [one.type, one.points % 2]), [["heatmap", 0]]);
  assert.deepEqual((await series(page, "replicas")).filter((one) => one.type === "line").map((one) => [one.name, one.points]),
    [["contiguous", 2], ["eplb", 2], ["refine", 2]]);
  const gain = (await series(page, "placement-gain")).filter((one) => one.type === "line");
  assert.deepEqual(gain.map((one) => one.dash), ["dashed", "dashed", "dashed"], "a step with a modelled network is modelled");
  const verdicts = await page.$$eval("#placement-gain tbody td", (cells) => cells.map((cell) => cell.textContent));
  assert.ok(verdicts.includes("faster"), `faster in ${verdicts}`);
  await close();
});

await test("the cost model has its map, prices, fit and league, and rebalancing its verdict", async () => {
  const wanted = {
    price_report: ["Regime map: what binds, by tokens and skew", "Price list: what one more percent of max/mean costs"],
    validation_report: ["Predicted against measured"],
    league_report: ["Which load metric tells the time"],
    verdict_report: ["Does rebalancing pay?"],
  };
  for (const [name, titles] of Object.entries(wanted)) {
    for (const [scheme, width] of [["light", 1280], ["dark", 390]]) {
      const { page, close } = await open(`${name}.html`, { width, scheme });
      assert.deepEqual(await page.$$eval("section:has(.chart) h2", (all) => all.map((one) => one.textContent)), titles);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width, `${name} ${scheme}`);
      await page.screenshot({ path: path.join(fixtures, `${name}-${scheme}-${width}.png`), fullPage: true });
      await close();
    }
  }
  let { page, close } = await open("price_report.html");
  assert.deepEqual((await series(page, "regime-map")).map((one) => [one.name, one.points]), [["weight bytes", 7], ["math", 1], ["straggler", 4]]);
  for (const text of ["0.47", "2.47"]) assert.ok((await chartText(page, "regime-map")).includes(text), text);
  const prices = (await series(page, "price-list")).filter((one) => one.type === "line");
  assert.deepEqual(prices.map((one) => [one.name, one.points, one.dash]), ["skew 1", "skew 2", "skew 4", "skew 1", "skew 2", "skew 4"].map((one) => [one, 4, "dashed"]));
  assert.equal((await series(page, "price-list")).filter((one) => one.type === "custom").length, 6, "intervals");
  const device = await page.evaluate(() => JSON.parse(document.getElementById("report-data").textContent).devices["h100-sxm"]);
  assert.deepEqual(device, { held_out_error: 0.05, held_out_elasticity_error: 0.1, constants: { launch_s: 2.7e-6 }, uncertainty: { launch_s: 0.05 } });
  // The last cell, then halfway (on a logarithm) between two numbers of tokens.
  const answer = page.locator("#price-list .what-if-answer");
  const sliders = page.locator("#price-list .what-if input");
  const { rows } = JSON.parse(fs.readFileSync(path.join(fixtures, "price_report.json"), "utf8"));
  const at = (tokens, skew) => rows.find((row) => row["step.tokens"] === tokens && row.skew === skew);
  const last = at(16384, 4);
  const saved = last["layer.total_s"] - at(16384, 1)["layer.total_s"];
  const savedError = last["layer.total_s"] * 0.1 * Math.log(4);
  for (const text of [`takes ${(1e3 * last["layer.total_s"]).toPrecision(3)} ms`, `saves ${(1e6 * saved).toPrecision(3)} ± ${(1e6 * savedError).toPrecision(3)} µs`])
    assert.ok((await answer.textContent()).includes(text), `${text} in ${await answer.textContent()}`);
  await sliders.first().fill("13");
  const middle = (at(4096, 4)["layer.total_s"] + last["layer.total_s"]) / 2;
  assert.ok((await answer.textContent()).includes(`At 8192 tokens and max/mean 4 the layer takes ${(1e6 * middle).toPrecision(3)} µs`), await answer.textContent());
  await close();

  ({ page, close } = await open("validation_report.html"));
  const fit = await series(page, "predicted-measured");
  assert.deepEqual(fit.map((one) => [one.name, one.type, one.points]), Array(2).fill([["wide", "scatter", 10], ["narrow", "scatter", 10], ["predicted = measured", "line", 2]]).flat());
  assert.equal(fit[2].dash, "dashed");
  for (const text of ["Fitted to these passes", "Shape left out of the fit"]) assert.ok((await chartText(page, "predicted-measured")).includes(text), text);
  await close();

  ({ page, close } = await open("league_report.html"));
  assert.deepEqual((await series(page, "metric-league")).map((one) => [one.name, one.type, one.points]), [["few tokens", "bar", 3], ["many tokens", "bar", 3]]);
  await close();

  ({ page, close } = await open("verdict_report.html"));
  assert.deepEqual((await series(page, "rebalance-verdict")).map((one) => [one.name, one.type, one.points]),
    [["saved by balance", "bar", 6], ["charged for moves", "bar", 6], ["net gain", "scatter", 6], ["net gain", "custom", 6]]);
  assert.ok((await page.$$eval("#rebalance-verdict tbody td", (cells) => cells.map((cell) => cell.textContent))).includes("enable"));
  assert.match(await page.locator("#verdict").textContent(), /Rebalance\? enable/);
  await close();
});

await finish();
