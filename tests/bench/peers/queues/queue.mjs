// queue.mjs boss|boss-moves|graphile HOST DATABASE JOBS SIZE: puts JOBS jobs of SIZE bytes, then times how long
// consumers need to take and complete them all; prints {"version", "items", "seconds", "micros"}: of
// a processor, for all of them, here and in PostgreSQL.
// Each the fastest way that its documentation has: pg-boss in batches of 500 by four consumers;
// graphile-worker with two local queues of 500 (one is a sixth slower) and completions in batches. boss-moves does
// what ours does beside the queue, too: the transaction that completes jobs moves their applications, and writes events.
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

const id = (n) => `00000000-0000-4000-8000-${Number(n).toString(16).padStart(12, "0")}`;
const applications = `
  CREATE TABLE application (city_code text, application_id uuid, channel text, receipt_number text, state text,
    reason text, changed_at timestamptz, changed_by text, version integer, announced_at timestamptz DEFAULT now(),
    applied_at timestamptz, procedure_id text, form_version text, promised_size bigint, promised_sha256 bytea,
    due_on date DEFAULT 'infinity', PRIMARY KEY (city_code, application_id),
    UNIQUE (receipt_number, channel, city_code));
  CREATE INDEX ON application (state, city_code, changed_at);
  CREATE TABLE application_event (city_code text, application_id uuid, version integer, at timestamptz,
    from_state text, to_state text, actor text, PRIMARY KEY (city_code, application_id, version));
  INSERT INTO application SELECT '992011', ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'bench',
    'B-' || n, 'routed', NULL, now(), 'role:routing', 5, now(), now(), 'child-allowance.certification-claim', '1',
    1000, sha256('x') FROM generate_series(0, ${jobs - 1}) AS n`;
const move = `
  WITH moved AS (UPDATE application SET state = 'received', version = version + 1, changed_at = now(),
    changed_by = 'business:child-allowance' WHERE city_code = '992011' AND application_id = ANY ($1)
    AND state = 'routed' RETURNING *)
  INSERT INTO application_event SELECT city_code, application_id, version, changed_at, 'routed', state, changed_by
    FROM moved`;
const mover = async () => {
  const client = new (await import("pg")).default.Client(options);
  await client.connect();
  const db = { executeSql: (text, values) => client.query(text, values) };
  return async (boss, batch) => {
    await client.query("BEGIN");
    await boss.complete("items", batch.map((job) => job.id), null, { db });
    await client.query(move, [batch.map((job) => id(job.data.id))]);
    await client.query("COMMIT");
  };
};

async function boss(moves) {
  const { PgBoss } = await import("pg-boss");
  const boss = new PgBoss({ ...options, supervise: false, schedule: false });
  await boss.start();
  await boss.createQueue("items");
  for (let n = 0; n < jobs; n += 1000)
    await boss.insert("items", Array.from({ length: Math.min(1000, jobs - n) },
      (_, i) => ({ data: data(n + i) })));
  if (moves) await boss.getDb().executeSql(applications);
  await settle();
  let taken = 0;
  const completers = await Promise.all([1, 2, 3, 4].map(() => moves ? mover()
    : (boss, batch) => boss.complete("items", batch.map((job) => job.id))));
  const consume = async (complete) => {
    for (;;) {
      const batch = await boss.fetch("items", { batchSize: 500 });
      if (!batch.length) return;
      await complete(boss, batch);
      taken += batch.length;
    }
  };
  const begun = begin();
  await Promise.all(completers.map(consume));
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
  const runner = () => run({
    pgPool: pool, noHandleSignals: true,
    preset: { worker: { concurrentJobs: 24, localQueue: { size: 500 },
                        completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
    taskList: { item: async () => { if (++taken === jobs) done(); } },
  });
  const runners = await Promise.all([runner(), runner()]);
  await finished;
  for (;;) { // until the completions are committed
    const { rows } = await pool.query("SELECT count(*)::int AS left FROM graphile_worker.jobs");
    if (rows[0].left === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  say("graphile-worker", taken, begun);
  await Promise.all(runners.map((one) => one.stop()));
  await utils.release();
  await pool.end();
}

await (which === "graphile" ? graphile() : boss(which === "boss-moves"));
process.exit(0);
