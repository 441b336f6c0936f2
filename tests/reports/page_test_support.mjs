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
