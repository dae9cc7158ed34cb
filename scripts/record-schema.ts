// The published schemas of a run's record and of a plan (docs/record.schema.json, docs/plan.schema.json),
// made of src/record/schema.ts and src/record/plan-schema.ts.

import { toJsonSchema } from '@valibot/to-json-schema';
import { planSchema } from '../src/record/plan-schema.ts';
import { recordSchema } from '../src/record/schema.ts';

/** The record's file: the same schema as JSON Schema (2020-12). */
export const recordSchemaJson = (): string =>
  schemaJson(recordSchema, 'Record of a run of comfy-nix');

/** The plan's. */
export const planSchemaJson = (): string => schemaJson(planSchema, 'Plan of comfy-nix');

function schemaJson(source: Parameters<typeof toJsonSchema>[0], title: string): string {
  const schema = toJsonSchema(source, { target: 'draft-2020-12' });
  const named = {
    $schema: schema.$schema,
    title,
    description: 'Sizes are bytes, durations are seconds. Readers ignore fields they do not know.',
    ...schema,
  };
  return `${withShortLists(JSON.stringify(named, null, 2))}\n`;
}

/** The formatter's layout: lists of texts on one line where they fit. */
function withShortLists(json: string): string {
  return json.replace(/\[[^[\]{}]*\]/g, (list, offset: number) => {
    const line = list
      .replace(/\s*\n\s*/g, ' ')
      .replace('[ ', '[')
      .replace(' ]', ']');
    const column = offset - json.lastIndexOf('\n', offset) - 1;
    // a comma may follow
    return column + line.length < 100 ? line : list;
  });
}
