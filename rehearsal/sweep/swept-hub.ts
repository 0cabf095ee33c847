/** The hub that is swept: who writes to it, its host's console, and what is not as it must be when nothing goes on. */
import {
  hubOk,
  instanceName,
  type Outputs,
  outputs,
  type Session,
  signIn,
} from "../scenarios/hub.ts";
import { Console } from "./console.ts";

/** Prints one line for each thing that a run that ended would not have left. */
const LOOK = `
docker ps --all --filter label=com.docker.compose.project=aihub --filter label=com.docker.compose.oneoff=False --format '{{.Names}} {{.Status}}' | grep -v '(healthy)' | sed 's/^/not well: /'
[ "$(docker ps --quiet --filter label=com.docker.compose.project=aihub --filter label=com.docker.compose.oneoff=False | wc -l)" -ge 8 ] || echo 'services are missing'
docker ps --all --filter label=aihub-stand-in --format 'a stand-in is left: {{.Names}}'
{ iptables -t nat -S; iptables -S; } | grep aihub-stand-in | sed 's/^/a rule is left: /'
for each in /opt/aihub/changing /data/hub/recovery/operation.json /data/hub/recovery/point /data/hub/door/closed /data/hub/recovery/probe-header /data/hub/recovery/set-aside/upgrade; do [ ! -e "$each" ] || echo "$each is left"; done
for each in /opt/aihub/releases/*.new /opt/aihub/store/*.new /opt/aihub/current.new; do [ ! -e "$each" ] || echo "$each is left"; done
docker ps --all --filter label=com.docker.compose.oneoff=True --format 'a container of a single run is left: {{.Names}}'
ls /data/hub/recovery/looks 2>/dev/null | sed 's/^/of a restore is left: /'
docker exec aihub-postgres-1 psql -U hub -At -c "SELECT 'the database ' || datname || ' is left' FROM pg_database WHERE datname LIKE 'hub\\_%'" 2>&1
[ "$(curl -ks -o /dev/null -w '%{http_code}' --max-time 10 --resolve "$(sed -n 's/^HOST_NAME=//p' /opt/aihub/current/probe.env):443:127.0.0.1" "https://$(sed -n 's/^HOST_NAME=//p' /opt/aihub/current/probe.env)/")" = 200 ] || echo 'the chat does not answer'
true`;

/** By restic itself, with what the recovery program opens the repository with. */
const COUNT_LOCKS = `
const { readFileSync } = require("fs");
const folder = /^SECRETS_RECOVERY=(.*)$/m.exec(readFileSync("/opt/aihub/secrets/applied.env", "utf8"))[1];
const { repository, password } = JSON.parse(readFileSync(folder + "/recovery.json", "utf8"));
const { status, stdout, stderr } = require("child_process").spawnSync("/opt/aihub/tools/restic", ["list", "locks", "--no-lock", "--no-cache"], {
  encoding: "utf8",
  env: { ...process.env, ...repository.env, RESTIC_REPOSITORY: repository.location, RESTIC_PASSWORD: password },
});
if (status !== 0) throw new Error(stderr);
console.log(stdout.split("\\n").filter(Boolean).length);`;

export class SweptHub {
  readonly console = new Console(instanceName);
  to: Outputs;
  session: Session;

  private constructor(to: Outputs, session: Session) {
    this.to = to;
    this.session = session;
  }

  /** Brings it up if it is not there. Nobody else takes recovery points meanwhile. */
  static async open(): Promise<SweptHub> {
    await hubOk(["up", "--yes"]);
    const to = await outputs();
    const hub = new SweptHub(to, await signIn(to));
    await hub.quiet();
    return hub;
  }

  /** Stops the timers, which a rollout starts again: what ends a row is the next run and nothing else. */
  async quiet(): Promise<void> {
    await this.console.must(
      "systemctl stop aihub-point.timer aihub-nightly.timer aihub-unfinished.timer",
    );
  }

  async flaws(): Promise<string[]> {
    const { text } = await this.console.run(LOOK);
    return text.split("\n").filter(Boolean);
  }

  /** Digest of the release that runs. */
  async release(): Promise<string> {
    return this.console.must("basename $(readlink -f /opt/aihub/current)");
  }

  /** Locks that lie in the repository of the recovery points. */
  async locks(): Promise<number> {
    return Number(await this.console.must(`/opt/aihub/tools/node -e '${COUNT_LOCKS}'`));
  }
}
