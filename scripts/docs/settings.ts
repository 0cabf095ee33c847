/** The settings as rows: what the schema says, in the words of a reader. */
import { z } from "zod";
import { secretsSchema, settingsSchema } from "../../config/schema.ts";

export interface SettingRow {
  key: string;
  /** As Pulumi.yaml names it. */
  type: "string" | "integer" | "array" | "object";
  description: string;
  /** Undefined: none, so the setting is needed or simply unset. */
  default: unknown;
  required: boolean;
  secret: boolean;
}

interface Property {
  type?: string;
  enum?: string[];
  default?: unknown;
  description?: string;
}

export function settingRows(): SettingRow[] {
  return [...rows(settingsSchema, false), ...rows(secretsSchema, true)];
}

function rows(schema: z.ZodType, secret: boolean): SettingRow[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    // Numbers are read from text, which JSON schema has no word for.
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema instanceof z.ZodNumber) jsonSchema.type = "integer";
    },
  }) as { properties?: Record<string, Property>; required?: string[] };
  return Object.entries(properties).map(([key, property]) => ({
    key,
    type:
      key === "images" || key === "access" || key === "backup"
        ? "object"
        : ((property.type ?? "string") as SettingRow["type"]),
    description: property.description ?? "",
    default: property.default,
    required: required.includes(key) && property.default === undefined,
    secret,
  }));
}
