// The published schema of a run's record (docs/record.schema.json), made of src/record/schema.ts.

import { toJsonSchema } from '@valibot/to-json-schema';
import { recordSchema } from '../src/record/schema.ts';

/** The file's text: the same schema as JSON Schema (2020-12). */
export function recordSchemaJson(): string {
  const schema = toJsonSchema(recordSchema, { target: 'draft-2020-12' });
  const named = {
    $schema: schema.$schema,
    title: 'Record of a run of comfy-nix',
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
