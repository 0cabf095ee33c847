/**
 * Stands in for Pulumi's Node language host, for a CLI that was built without one: the plain `pulumi preview` and
 * `pulumi up` start it, and it runs the program by the SDK's own runner, as the real host does.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import languageGrpc from "@pulumi/pulumi/proto/language_grpc_pb.js";
import language from "@pulumi/pulumi/proto/language_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";

type Handler = (call: ServerUnaryCall<unknown, unknown>, reply: sendUnaryData<unknown>) => void;

/** The SDK's runner ends with this code when the program has already said what is wrong. */
const ALREADY_REPORTED = 32;

const engine = process.argv.at(-1) ?? "";

const handlers: Record<string, Handler> = {
  handshake: (_call, reply) => reply(null, new language.LanguageHandshakeResponse()),
  getPluginInfo: (_call, reply) => {
    const info = new plugin.PluginInfo();
    info.setVersion("3.270.0");
    reply(null, info);
  },
  // The providers attach by themselves; nothing is to be downloaded.
  getRequiredPlugins: (_call, reply) => reply(null, new language.GetRequiredPluginsResponse()),
  getRequiredPackages: (_call, reply) => reply(null, new language.GetRequiredPackagesResponse()),
  about: (_call, reply) => {
    const about = new language.AboutResponse();
    about.setExecutable(process.execPath);
    about.setVersion(process.version);
    reply(null, about);
  },
  getProgramDependencies: (_call, reply) =>
    reply(null, new language.GetProgramDependenciesResponse()),
  runtimeOptionsPrompts: (_call, reply) => reply(null, new language.RuntimeOptionsResponse()),
  cancel: (_call, reply) => reply(null, new empty.Empty()),
  run: (call, reply) => {
    const request = call.request as InstanceType<typeof language.RunRequest>;
    const folder = request.getInfo()?.getProgramDirectory() || request.getPwd();
    const option = (name: string, value: string) => (value ? [`--${name}`, value] : []);
    const child = spawn(
      process.execPath,
      [
        "--disable-warning=ExperimentalWarning",
        join(folder, "node_modules/@pulumi/pulumi/cmd/run"),
        ...option("monitor", request.getMonitorAddress()),
        ...option("engine", engine),
        ...option("organization", request.getOrganization()),
        ...option("project", request.getProject()),
        ...option("root-directory", request.getInfo()?.getRootDirectory() ?? folder),
        ...option("stack", request.getStack()),
        ...option("pwd", request.getPwd()),
        ...(request.getDryrun() ? ["--dry-run"] : []),
        ...option("parallel", String(request.getParallel())),
        request.getInfo()?.getEntryPoint() || ".",
      ],
      {
        cwd: folder,
        // What the program prints goes to the engine's log; standard output is the engine's channel to this host.
        stdio: ["ignore", 2, 2],
        env: {
          ...process.env,
          PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().toArray())),
          PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
        },
      },
    );
    child.on("exit", (code) => {
      const response = new language.RunResponse();
      if (code === ALREADY_REPORTED) response.setBail(true);
      else if (code !== 0) response.setError(`the program ended with exit code ${code}`);
      reply(null, response);
    });
  },
};

const server = new Server();
server.addService(
  languageGrpc.LanguageRuntimeService,
  Object.fromEntries(
    Object.keys(languageGrpc.LanguageRuntimeService).map((name) => [
      name,
      handlers[name] ??
        ((_call: unknown, reply: sendUnaryData<unknown>) =>
          reply({ code: status.UNIMPLEMENTED, details: `${name} is not part of the rehearsal` })),
    ]),
  ),
);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.stdout.write(`${port}\n`);
});
