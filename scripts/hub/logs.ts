import { services } from "../../hub/services.ts";
import { UserError } from "../../hub/user-error.ts";
import { passThrough, withHost } from "./host.ts";
import { defineVerb } from "./verb.ts";

const names = services.map((service) => service.name);

export const verb = defineVerb({
  name: "logs",
  summary: `Prints what the services said (${names.join(", ")}; default all)`,
  arguments: "[SERVICE...]",
  options: {
    follow: { type: "boolean", help: "go on printing" },
    tail: { type: "string", help: "N  last lines of each service (default 100)" },
  },
  async run(values, wanted) {
    for (const name of wanted) {
      if (!names.includes(name))
        throw new UserError(`No service "${name}"; there are ${names.join(", ")}`);
    }
    const tail = String(values.tail ?? "100");
    if (!/^\d{1,6}$/.test(tail)) throw new UserError(`--tail ${tail} is not a number`);
    const follow = values.follow ? " --follow" : "";
    return withHost(values, (host) =>
      passThrough(
        host,
        // Compose clears lines even where no terminal is.
        `docker compose --project-name aihub logs --no-color --tail ${tail}${follow} ${wanted.join(" ")} 2>&1 | sed -u 's/\\x1b\\[[0-9;]*[A-Za-z]//g'`,
      ),
    );
  },
});
