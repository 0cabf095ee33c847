/** Each image is held to what the hub uses of the public image it stands for, inside a real droplet. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { defaultImages } from "../../hub/images.ts";
import { lineProgress } from "../../scripts/progress.ts";
import { ensureDocker } from "../../scripts/toolchain/index.ts";
import { dropletRunFlags } from "../droplet/runtime.ts";
import { ensureImages, type ImageSet } from "./index.ts";
import { versionIn } from "./recipes.ts";

const publicKey =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPqYAPJQ0jZbQz6dWd5X8v5Zr0kq9rV6b3v5m8Zc1X2Y somebody";

let images: ImageSet;
let folder: string;
let withDocker: string;
let plain: string;

/** Runs a command in a container and returns its output, both streams; throws when it fails. */
async function inside(container: string, ...command: string[]): Promise<string> {
  const { all } = await execa("docker", ["exec", container, ...command], { all: true });
  return all;
}

/** Runs Docker inside the droplet that has it. */
function docker(...args: string[]): Promise<string> {
  return inside(withDocker, "docker", ...args);
}

async function boot(image: string, name: string, ...flags: string[]): Promise<string> {
  const container = `${basename(folder)}-${name}`;
  await execa("docker", [
    ...["run", "--detach", "--name", container, "--hostname", name],
    ...(await dropletRunFlags(image)),
    ...flags,
    image,
  ]);
  return container;
}

// With an empty cache, everything is built here.
beforeAll(async () => {
  const progress = lineProgress();
  await ensureDocker(progress, { interactive: false });
  images = await ensureImages(progress);
  folder = await mkdtemp(join(tmpdir(), "aihub-images-test-"));
  const disk = join(folder, "disk");
  const mounted = join(folder, "mounted");
  await execa("cp", ["--sparse=always", images.dockerDisk, disk]);
  await mkdir(mounted);
  await execa("mount", ["-o", "loop", disk, mounted]);
  withDocker = await boot(
    images.droplets["docker-20-04"],
    "docker",
    ...["--volume", `${mounted}:/var/lib/docker`],
  );
  const seed = join(folder, "seed");
  await mkdir(seed);
  await writeFile(join(seed, "meta-data"), `instance-id: plain\npublic-keys: ["${publicKey}"]\n`);
  await writeFile(join(seed, "user-data"), "#cloud-config\nruncmd: [[touch, /root/ran]]\n");
  plain = await boot(
    images.droplets["ubuntu-24-04-x64"],
    "plain",
    ...["--volume", `${seed}:/var/lib/cloud/seed/nocloud`],
  );
  for (const droplet of [withDocker, plain]) {
    await vi.waitFor(() => inside(droplet, "systemctl", "is-system-running"), {
      timeout: 600_000,
      interval: 500,
    });
  }
}, 3_600_000);

afterAll(async () => {
  if (!folder) return;
  const all = ["rm", "--force", "--volumes", withDocker, plain].filter(Boolean);
  await execa("docker", all, { reject: false });
  await execa("umount", [join(folder, "mounted")], { reject: false });
  await rm(folder, { recursive: true, force: true });
});

/** Starts a container inside the droplet that is removed after the test's body. */
async function running<T>(flags: string[], body: (name: string) => Promise<T>): Promise<T> {
  const name = (await docker("run", "--detach", ...flags)).trim().split("\n").at(-1) ?? "";
  try {
    return await body(name);
  } finally {
    await docker("rm", "--force", "--volumes", name);
  }
}

const eventually = <T>(check: () => Promise<T>) =>
  vi.waitFor(check, { timeout: 240_000, interval: 500 });

describe("droplets", () => {
  test("boot without a failed unit, and know only root", async () => {
    for (const droplet of [withDocker, plain]) {
      expect(await inside(droplet, "systemctl", "is-system-running")).toBe("running");
      expect(await inside(droplet, "systemctl", "is-active", "ssh", "cron")).toBe("active\nactive");
      expect(await inside(droplet, "sh", "-c", "ls /home")).toBe("");
    }
  });

  test("obey user data and the account's SSH keys, which are root's", async () => {
    expect(await inside(plain, "cloud-init", "status", "--wait")).toContain("status: done");
    await inside(plain, "test", "-e", "/root/ran");
    expect(await inside(plain, "cat", "/root/.ssh/authorized_keys")).toContain(publicKey);
  });

  test("have host keys of their own", async () => {
    const keys = await Promise.all(
      [withDocker, plain].map((it) => inside(it, "cat", "/etc/ssh/ssh_host_ed25519_key.pub")),
    );
    expect(keys[0]).not.toBe(keys[1]);
  });

  test("docker-20-04 has Docker with compose, and the 1-Click image's firewall", async () => {
    expect(await docker("info", "--format", "{{.Driver}}")).toBe("overlay2");
    const [major, minor] = (await docker("compose", "version", "--short")).split(".").map(Number);
    expect((major ?? 0) * 1000 + (minor ?? 0)).toBeGreaterThanOrEqual(2026);
    const rules = await inside(withDocker, "ufw", "status");
    expect(rules).toMatch(/Status: active/);
    expect(rules).toMatch(/22\/tcp +LIMIT/);
    expect(rules).toMatch(/2375\/tcp +ALLOW/);
    expect(rules).toMatch(/2376\/tcp +ALLOW/);
  });

  test("ubuntu-24-04-x64 has no Docker, and its package archive offers it", async () => {
    await expect(inside(plain, "sh", "-c", "command -v docker")).rejects.toThrow();
    await inside(plain, "apt-get", "update");
    const packages = ["docker.io", "docker-cli", "docker-compose"];
    const simulated = await inside(plain, "apt-get", "install", "--simulate", ...packages);
    expect(simulated).toMatch(/Inst docker-compose/);
  });
});

describe("the Docker disk", () => {
  test("has every image of the hub under its public name, and nothing else", async () => {
    const listed = await docker("images", "--format", "{{.Repository}}:{{.Tag}}");
    expect(listed.split("\n").sort()).toEqual(Object.values(defaultImages).sort());
    expect(await docker("ps", "--all", "--quiet")).toBe("");
  });

  test("carries nothing of this machine's certificate authorities", async () => {
    for (const image of Object.values(defaultImages)) {
      // Programs without a shell.
      if (image === defaultImages.files || image === defaultImages.restic) continue;
      const look = ["sh", image, "-c", "ls /opt; ls /usr/local/share/ca-certificates || true"];
      expect(await docker("run", "--rm", "--entrypoint", ...look)).not.toMatch(/authorities|\.crt/);
    }
  });
});

describe("node", () => {
  test("is Node 24 with the user node", async () => {
    expect(await docker("run", "--rm", defaultImages.node, "node", "--version")).toMatch(/^v24\./);
    expect(await docker("run", "--rm", "--user", "node", defaultImages.node, "id")).toMatch(
      /^uid=1000\(node\) gid=1000\(node\)/,
    );
  });
});

describe("nginx", () => {
  test("serves as its own user on a read-only disk, and can ask another service who somebody is", async () => {
    expect(await docker("run", "--rm", defaultImages.nginx, "id", "nginx")).toMatch(/^uid=101/);
    const about = await docker("run", "--rm", defaultImages.nginx, "nginx", "-V");
    for (const part of ["http_auth_request", "http_ssl", "http_v2", "http_realip"]) {
      expect(about).toContain(`--with-${part}_module`);
    }
    await running([defaultImages.nginx], async (name) => {
      const page = ["curl", "-fsS", "http://127.0.0.1/"];
      expect(await eventually(() => docker("exec", name, ...page))).toContain("nginx");
    });
  });
});

describe("postgres", () => {
  test("makes its cluster as user 999 on a read-only disk, with pgvector and a password", async () => {
    const script = `mkdir -p /root/pg/secrets && printf 's3cret\\n' >/root/pg/secrets/password
      mkdir -p /root/pg/data && chown -R 999:999 /root/pg`;
    await inside(withDocker, "sh", "-c", script);
    const flags = [
      ...["--user", "999:999", "--read-only", "--tmpfs", "/tmp:uid=999,gid=999,mode=0700"],
      ...["--tmpfs", "/var/run/postgresql:uid=999,gid=999,mode=0775"],
      ...["-v", "/root/pg/data:/var/lib/postgresql/data", "-v", "/root/pg/secrets:/run/secrets:ro"],
      ...["-e", "POSTGRES_USER=hub", "-e", "POSTGRES_DB=hub"],
      ...["-e", "POSTGRES_PASSWORD_FILE=/run/secrets/password"],
      ...["-e", "PGDATA=/var/lib/postgresql/data/pgdata", defaultImages.postgres],
    ];
    const ask = (name: string, sql: string, password = "s3cret") =>
      docker(
        ...["exec", "-e", `PGPASSWORD=${password}`, name],
        ...["psql", "-XAtc", sql, "-h", name.slice(0, 12), "-U", "hub", "hub"],
      );
    await running(flags, async (name) => {
      const ready = ["pg_isready", "--quiet", "--username=hub", "--dbname=hub", "--host=127.0.0.1"];
      await eventually(() => docker("exec", name, ...ready));
      expect(await ask(name, "show server_version_num")).toMatch(/^17/);
      expect(await ask(name, "show server_encoding")).toBe("UTF8");
      await ask(name, "create extension vector; create table t as select '[1,2]'::vector v");
      await expect(ask(name, "select 1", "wrong")).rejects.toThrow(/password/);
    });
    // The second start finds the cluster of the first.
    await running(flags, async (name) => {
      expect(await eventually(() => ask(name, "select v from t"))).toBe("[1,2]");
    });
    const refused = docker("run", "--rm", defaultImages.postgres);
    await expect(refused).rejects.toThrow(/password is not specified/);
  });
});

describe("valkey", () => {
  test("runs as user 999 on a read-only disk from a file of settings", async () => {
    const script = `mkdir -p /root/valkey && printf 'requirepass s3cret\\n' >/root/valkey/valkey.conf
      chown -R 999:999 /root/valkey`;
    await inside(withDocker, "sh", "-c", script);
    const flags = [
      ...["--user", "999:999", "--read-only", "--entrypoint", "valkey-server"],
      ...["-v", "/root/valkey:/run/secrets:ro", defaultImages.valkey, "/run/secrets/valkey.conf"],
    ];
    await running(flags, async (name) => {
      const client = ["exec", "-e", "REDISCLI_AUTH=s3cret", name, "valkey-cli"];
      expect(await eventually(() => docker(...client, "ping"))).toBe("PONG");
      const info = await docker(...client, "info", "server");
      expect(info).toContain(`valkey_version:${versionIn(defaultImages.valkey)}`);
    });
  });
});

describe("certbot", () => {
  test("runs as somebody without rights on a read-only disk, and has a shell for the hub's loop", async () => {
    const flags = ["--user", "102:102", "--read-only", "--tmpfs", "/tmp:uid=102,gid=102,mode=0700"];
    const script =
      "cd /tmp && certbot --version --config-dir c --work-dir w --logs-dir l && command -v cmp && command -v timeout";
    const shell = ["--entrypoint", "sh", defaultImages.certbot, "-c", script];
    const said = await docker("run", "--rm", "-e", "HOME=/tmp", ...flags, ...shell);
    expect(said).toContain(`certbot ${versionIn(defaultImages.certbot)}`);
    expect(said.trim().split("\n")).toHaveLength(3);
  });
});

describe("dufs", () => {
  test("is one static program that also runs in another image, as the hub's own image has it", async () => {
    const noShell = docker("run", "--rm", "--entrypoint", "sh", defaultImages.files);
    await expect(noShell).rejects.toThrow();
    expect(await docker("run", "--rm", defaultImages.files, "--version")).toBe(
      `dufs ${versionIn(defaultImages.files)}`,
    );
    const dockerfile = `FROM ${defaultImages.files} AS files
FROM ${defaultImages.node}
COPY --from=files /bin/dufs /bin/dufs`;
    const build = `mkdir -p /root/files && printf '%s' '${dockerfile}' | docker build --quiet --tag files-test -`;
    await inside(withDocker, "sh", "-c", build);
    const flags = ["--user", "1000:1000", "--read-only", "files-test", "/bin/dufs", "/home/node"];
    await running([...flags, "--path-prefix=/files", "--allow-all"], async (name) => {
      const fetched =
        "fetch('http://127.0.0.1:5000/files/__dufs__/health').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))";
      await eventually(() => docker("exec", name, "node", "-e", fetched));
    });
    await docker("rmi", "files-test");
  });
});

describe("restic", () => {
  test("is one static program where the public image has it, so that it runs on the host as well", async () => {
    const version = `restic ${versionIn(defaultImages.restic)} compiled with go`;
    expect(await docker("run", "--rm", defaultImages.restic, "version")).toContain(version);
    const script = `id=$(docker create ${defaultImages.restic})
      docker cp "$id:/usr/bin/restic" /tmp/restic && docker rm "$id" && /tmp/restic version`;
    expect(await inside(withDocker, "sh", "-c", script)).toContain(version);
  });
});

describe("code-server", () => {
  test("serves as user coder, with a terminal and git", async () => {
    const entry = ["--entrypoint", "code-server", defaultImages.codeServer];
    const version = await docker("run", "--rm", ...entry, "--version");
    expect(version).toContain(versionIn(defaultImages.codeServer));
    await running([defaultImages.codeServer, "--auth=none"], async (name) => {
      const health = ["exec", name, "curl", "-fsS", "http://127.0.0.1:8080/healthz"];
      expect(await eventually(() => docker(...health))).toContain("status");
      expect(await docker("exec", name, "id")).toMatch(/^uid=1000\(coder\)/);
      expect(await docker("exec", name, "git", "--version")).toMatch(/^git/);
      // The terminal is a part compiled for this very Node.
      const terminal =
        "require('/usr/lib/code-server/lib/vscode/node_modules/node-pty').spawn('sh',['-c','echo works']).onData((d)=>process.stdout.write(d))";
      const node = "/usr/lib/code-server/lib/node";
      expect(await docker("exec", name, node, "-e", terminal)).toContain("works");
    });
  });
});

describe("open-webui", () => {
  test("starts offline without machine learning, as root, with its data where the volume goes", async () => {
    const flags = ["-e", "OFFLINE_MODE=true", "-e", "RAG_EMBEDDING_ENGINE=openai"];
    await running([...flags, defaultImages.openWebui], async (name) => {
      const get = (path: string) =>
        docker("exec", name, "curl", "-fsS", `http://127.0.0.1:8080${path}`);
      expect(JSON.parse(await eventually(() => get("/health")))).toEqual({ status: true });
      expect(JSON.parse(await get("/api/version")).version).toBe(
        versionIn(defaultImages.openWebui),
      );
      expect(await get("/")).toContain("<!doctype html>");
      expect(await docker("exec", name, "id", "-u")).toBe("0");
      expect(await docker("exec", name, "pwd")).toBe("/app/backend");
      expect(await docker("exec", name, "ls", "data")).toContain("webui.db");
      const heavy = ["python3", "-c", "import torch"];
      await expect(docker("exec", name, ...heavy)).rejects.toThrow(/No module named/);
    });
  });
});
