import { readJson } from '../../host/foreign-json.ts';
import { recordSchema } from '../../record/schema.ts';
import type { BuildRecord } from '../../record/types.ts';

/** The record that a text of others is; undefined where it is none, or one of another format. */
export const parseRecord = (text: string): BuildRecord | undefined => readJson(recordSchema, text);
