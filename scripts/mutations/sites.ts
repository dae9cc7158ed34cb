// Where a source may be changed, one operator or one statement at a time.

import { stripTypeScriptTypes } from 'node:module';
import { type Node, parse, type Token } from 'acorn';

/** A place in a source, and what would stand there. */
export interface Site {
  /** Of the source's text: where the changed part begins and ends. */
  start: number;
  end: number;
  /** What stands there then. */
  replacement: string;
  /** The change in words: "=== → !==", "without the statement". */
  change: string;
}

/** Each operator that is changed, and what it becomes; comparisons move their border as well. */
const others: Readonly<Record<string, readonly string[]>> = {
  '===': ['!=='],
  '!==': ['==='],
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '**': ['*'],
  '&': ['|'],
  '|': ['&'],
  '^': ['&'],
  '<<': ['>>'],
  '>>': ['<<'],
  '>>>': ['<<'],
  '&&': ['||'],
  '||': ['&&'],
  '??': ['&&'],
  '+=': ['-='],
  '-=': ['+='],
  '??=': ['='],
  '++': ['--'],
  '--': ['++'],
};

/** Statements without which a function still runs. */
const droppable = new Set([
  'ExpressionStatement',
  'IfStatement',
  'ReturnStatement',
  'ThrowStatement',
  'BreakStatement',
  'ContinueStatement',
]);

/** All places of a TypeScript source that can be changed. */
export function sitesOf(source: string): Site[] {
  // types become blanks, so that what is left stands where it stood
  const script = stripTypeScriptTypes(source);
  const tokens: Token[] = [];
  const program = parse(script, { ecmaVersion: 'latest', sourceType: 'module', onToken: tokens });
  return nodesOf(program).flatMap(node => sitesAt(node, { script, tokens }));
}

interface Parsed {
  script: string;
  tokens: readonly Token[];
}

/** A node with the fields that are looked at; which of them it has depends on its type. */
interface AnyNode extends Node {
  operator?: string;
  prefix?: boolean;
  left?: AnyNode;
  right?: AnyNode;
  argument?: AnyNode;
  test?: AnyNode;
  directive?: string;
}

function nodesOf(node: AnyNode): AnyNode[] {
  const below = Object.values(node).flat().filter(isNode);
  return [node, ...below.flatMap(nodesOf)];
}

const isNode = (value: unknown): value is AnyNode =>
  typeof value === 'object' && value !== null && 'type' in value && 'start' in value;

function sitesAt(node: AnyNode, parsed: Parsed): Site[] {
  const { type, start, end, operator = '', left, right, argument, test } = node;
  if (droppable.has(type) && node.directive === undefined) {
    return [{ start, end, replacement: '{}', change: 'without the statement' }];
  }
  if (type === 'ConditionalExpression' && test) {
    const replacement = `!(${parsed.script.slice(test.start, test.end)})`;
    return [{ start: test.start, end: test.end, replacement, change: '?: the other way' }];
  }
  if (type === 'UnaryExpression' && (operator === '!' || operator === '-')) {
    return [{ start, end: start + 1, replacement: '', change: `without ${operator}` }];
  }
  if (type === 'UpdateExpression' && argument) {
    return changed(operator, node.prefix ? start : argument.end, parsed);
  }
  return left && right ? changed(operator, left.end, parsed) : [];
}

function changed(operator: string, after: number, { script, tokens }: Parsed): Site[] {
  const token = tokens.find(
    ({ start, end }) => start >= after && script.slice(start, end) === operator,
  );
  if (!token) return [];
  const { start, end } = token;
  return (others[operator] ?? []).map(replacement => {
    return { start, end, replacement, change: `${operator} → ${replacement}` };
  });
}

/** The source with the change. */
export function mutated(source: string, { start, end, replacement }: Site): string {
  return source.slice(0, start) + replacement + source.slice(end);
}
