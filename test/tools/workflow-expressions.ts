import { data, Evaluator, Lexer, Parser } from '@actions/expressions';

export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json };

/** What expressions may ask: contexts by name, and the status functions that are to be had there. */
export interface Scope {
  contexts: Readonly<Record<string, Json>>;
  status?: Readonly<Partial<Record<'success' | 'failure' | 'cancelled' | 'always', boolean>>>;
}

/** The value of a text with GitHub's expressions in it: of one that is nothing else, what it gives. */
export function evaluated(text: string, scope: Scope): Json {
  const whole = /^\s*\$\{\{((?:(?!\}\}).)*)\}\}\s*$/s.exec(text);
  if (whole?.[1] !== undefined) return plain(evaluate(whole[1], scope));
  return text.replaceAll(/\$\{\{(.*?)\}\}/gs, (_, expression: string) =>
    evaluate(expression, scope).coerceString(),
  );
}

/** The same as text, as `with`, `env` and outputs take it. */
export const evaluatedText = (text: string, scope: Scope): string =>
  asData(evaluated(text, scope)).coerceString();

/** Whether a condition holds, as its expression alone (`if` without the braces). */
export function holds(expression: string, scope: Scope): boolean {
  const value = plain(evaluate(expression, scope));
  return value !== null && value !== false && value !== 0 && value !== '';
}

function evaluate(expression: string, { contexts, status = {} }: Scope): data.ExpressionData {
  const functions = Object.entries(status).map(([name, value]) => ({
    name,
    minArgs: 0,
    maxArgs: 0,
    call: () => new data.BooleanData(value),
  }));
  const { tokens } = new Lexer(expression.trim()).lex();
  const parsed = new Parser(tokens, Object.keys(contexts), functions).parse();
  const dictionary = asData(contexts);
  if (!(dictionary instanceof data.Dictionary)) throw new Error('contexts are a dictionary');
  const byName = new Map(functions.map(each => [each.name, each]));
  return new Evaluator(parsed, dictionary, byName).evaluate();
}

const asData = (value: Json): data.ExpressionData =>
  JSON.parse(JSON.stringify(value), data.reviver);
const plain = (value: data.ExpressionData): Json =>
  JSON.parse(JSON.stringify(value, data.replacer));
