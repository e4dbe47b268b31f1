// queue.mjs boss|graphile HOST DATABASE JOBS SIZE: puts JOBS jobs of SIZE bytes, then times how long
// consumers need to take and complete them all; prints {"version", "items", "seconds", "micros"}: of
// a processor, for all of them, here and in PostgreSQL.
// Each the fastest way that its documentation has: pg-boss in batches of 500 by four consumers;
// graphile-worker with a local queue of 500 and completions in batches.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [, , which, host, database, jobsText, sizeText] = process.argv;
const jobs = Number(jobsText), size = Number(sizeText);
const options = { host, database, user: "uketsuke_admin", max: 10 };
const data = (n) => ({ id: String(n), item: "x".repeat(size) });
const version = (name) => JSON.parse(readFileSync(
  new URL(`node_modules/${name}/package.json`, import.meta.url))).version;
// As ours, before it is measured: vacuumed, with statistics, and nothing left to write.
const settle = async () => {
  const client = new (await import("pg")).default.Client(options);
  await client.connect();
  await client.query("VACUUM ANALYZE");
  await client.query("CHECKPOINT");
  await client.end();
};
const processor = () => {
  const { user, system } = process.cpuUsage();
  let taken = user + system;
  for (const pid of readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name)))
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(` ${database} `))
        taken += Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]) / 1000;
    } catch {
      continue; // it has ended
    }
  return taken;
};
const begin = () => ({ at: process.hrtime.bigint(), taken: processor() });
const say = (name, items, begun) =>
  console.log(JSON.stringify({ version: `${name} ${version(name)}`, items,
    seconds: Number(process.hrtime.bigint() - begun.at) / 1e9, micros: processor() - begun.taken }));

async function boss() {
  const { PgBoss } = await import("pg-boss");
  const boss = new PgBoss({ ...options, supervise: false, schedule: false });
  await boss.start();
  await boss.createQueue("items");
  for (let n = 0; n < jobs; n += 1000)
    await boss.insert("items", Array.from({ length: Math.min(1000, jobs - n) },
      (_, i) => ({ data: data(n + i) })));
  await settle();
  let taken = 0;
  const consume = async () => {
    for (;;) {
      const batch = await boss.fetch("items", { batchSize: 500 });
      if (!batch.length) return;
      await boss.complete("items", batch.map((job) => job.id));
      taken += batch.length;
    }
  };
  const begun = begin();
  await Promise.all([consume(), consume(), consume(), consume()]);
  say("pg-boss", taken, begun);
  await boss.stop({ graceful: false });
}

async function graphile() {
  const { makeWorkerUtils, run } = createRequire(import.meta.url)("graphile-worker");
  const pg = (await import("pg")).default;
  const pool = new pg.Pool(options);
  const utils = await makeWorkerUtils({ pgPool: pool });
  await utils.migrate();
  for (let n = 0; n < jobs; n += 1000)
    await utils.addJobs(Array.from({ length: Math.min(1000, jobs - n) },
      (_, i) => ({ identifier: "item", payload: data(n + i) })));
  await settle();
  let taken = 0, done;
  const finished = new Promise((resolve) => (done = resolve));
  const begun = begin();
  const runner = await run({
    pgPool: pool, noHandleSignals: true,
    preset: { worker: { concurrentJobs: 24, localQueue: { size: 500 },
                        completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
    taskList: { item: async () => { if (++taken === jobs) done(); } },
  });
  await finished;
  for (;;) { // until the completions are committed
    const { rows } = await pool.query("SELECT count(*)::int AS left FROM graphile_worker.jobs");
    if (rows[0].left === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  say("graphile-worker", taken, begun);
  await runner.stop();
  await utils.release();
  await pool.end();
}

await (which === "boss" ? boss : graphile)();
process.exit(0);
