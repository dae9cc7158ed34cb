import type { AuditRecord } from '../record/audit.ts';
import {
  auditSentence,
  type FindingGroup,
  findingCounts,
  groupFindings,
  sourceCounts,
  sourceLists,
  tableCells,
  tableHeads,
} from './audit.ts';
import { cells, code, escapeText } from './markdown.ts';
import { plural } from './units.ts';

/** The audit as parts of a Markdown document. */
export function auditMarkdown(audit: AuditRecord): string[] {
  const counts = findingCounts(audit.findings);
  const hasPackages = audit.packages.length > 0;
  return [
    ...(hasPackages ? ['### Where packages come from', escapeText(auditSentence(audit))] : []),
    ...(hasPackages ? [table(audit), ...packageLists(audit)] : []),
    ...(counts === undefined ? [] : [`### What will hurt: ${counts}`]),
    ...groupFindings(audit.findings).map(finding),
    ...licences(audit),
    ...audit.unchecked.map(escapeText),
  ];
}

function table(audit: AuditRecord): string {
  const { layers, total } = sourceCounts(audit);
  const rows = layers.map(tableCells).map(([layer = '', ...rest]) => cells(code(layer), ...rest));
  const [, ...totals] = tableCells(total);
  return [
    cells(...tableHeads),
    `|:--|${'--:|'.repeat(tableHeads.length - 1)}`,
    ...rows,
    cells('**total**', ...totals),
  ].join('\n');
}

function packageLists(audit: AuditRecord): string[] {
  const lists = sourceLists(audit);
  if (lists.length === 0) return [];
  return [
    '<details><summary>Packages</summary>',
    lists
      .map(({ title, names }) => `- **${escapeText(title)}**: ${names.map(escapeText).join(', ')}`)
      .join('\n'),
    '</details>',
  ];
}

const marks = { error: '🔴', warning: '🟠', note: '🔵' } as const;

function finding({ rule, severity, messages, cost, advice }: FindingGroup): string {
  const [only, ...more] = messages.map(escapeText);
  const list =
    more.length === 0
      ? (only ?? '')
      : `\n${[only, ...more].map(each => `  - ${each}`).join('\n')}\n`;
  return `- ${marks[severity]} **${rule}** ${list}\n  *Costs:* ${escapeText(cost)} *Do:* ${escapeText(advice)}`;
}

function licences({ unfree }: AuditRecord): string[] {
  if (unfree.length === 0) return [];
  const rows = unfree.map(({ name, version = '', licence, layer }) =>
    cells(code(name), escapeText(version), escapeText(licence), code(layer)),
  );
  return [
    `<details><summary>${plural(unfree.length, 'package')} with a licence that is not free</summary>`,
    [cells('package', 'version', 'licence', 'layer'), '|:--|:--|:--|:--|', ...rows].join('\n'),
    '</details>',
  ];
}
