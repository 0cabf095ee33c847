/** What an update of each service costs those who use it, from one run. */
import { median } from "../measure.ts";
import type { Row } from "../row.ts";

export interface Measured {
  /** Of those that serve twice at once meanwhile, under steady load. */
  beside: ServiceUpdate[];
  /** Of the chat, round by round. Seconds. */
  chat: ChatUpdate[];
}

export interface ServiceUpdate {
  service: string;
  /** Requests of all doors from before the change until after it. */
  answered: number;
  failed: number;
  /** Milliseconds, of the service's own door. */
  slowest: number;
}

export interface ChatUpdate {
  /** From the last good answer to the first of the new one. */
  gap: number;
  /** From the start of its container, stopped before, to the first good answer. */
  boot: number;
}

/** Times the boot that the chat's update may keep it away. */
const MOST_AWAY = 1.3;

export function rowsOf({ beside, chat }: Measured): Row[] {
  return [...beside.map(withoutGap), away(chat)];
}

function withoutGap({ service, answered, failed, slowest }: ServiceUpdate): Row {
  return {
    name: `update of ${service}`,
    figures: [],
    note: `${answered} requests answered, the slowest after ${slowest} ms`,
    target: { text: "no failed request", reached: failed === 0, found: `${failed} failed` },
  };
}

function away(rounds: readonly ChatUpdate[]): Row {
  const share = median(rounds.map(({ gap, boot }) => gap / boot));
  const of = (what: keyof ChatUpdate) => median(rounds.map((one) => one[what])).toFixed(1);
  return {
    name: "update of open-webui",
    figures: [],
    note: `away for ${of("gap")} s, boots in ${of("boot")} s`,
    target: {
      text: `away for at most ${MOST_AWAY}x its boot`,
      reached: share <= MOST_AWAY,
      found: `${share.toFixed(2)}x`,
    },
  };
}
