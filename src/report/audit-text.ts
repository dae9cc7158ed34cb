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
import { columns } from './columns.ts';
import { plural } from './units.ts';

/** Characters of a line in a terminal. */
const lineWidth = 100;

/** The audit as plain text, with a newline at its end. */
export function auditText(audit: AuditRecord): string {
  const { layers, total } = sourceCounts(audit);
  const rows = [tableHeads, ...layers.map(tableCells), tableCells(total)];
  const findings = groupFindings(audit.findings);
  const counts = findingCounts(audit.findings);
  return `${[
    auditSentence(audit),
    columns(rows, 1).join('\n'),
    tree(audit),
    counts === undefined ? 'Nothing was found that will hurt.' : `Found: ${counts}.`,
    ...findings.map(finding),
    ...licences(audit),
    ...audit.unchecked,
  ]
    .filter(part => part !== '')
    .join('\n\n')}\n`;
}

/** Where packages come from, with their names, as a tree. */
function tree(audit: AuditRecord): string {
  const lists = sourceLists(audit);
  return lists
    .flatMap(({ title, names }, at) => {
      const isLast = at === lists.length - 1;
      return [
        `${isLast ? '└─' : '├─'} ${title}`,
        ...wrap(names.join(', '), isLast ? '     ' : '│    '),
      ];
    })
    .join('\n');
}

function finding({ rule, severity, messages, cost, advice }: FindingGroup): string {
  return [
    `${severity}: ${rule}`,
    ...messages.flatMap(message => wrap(message, '    ', '  - ')),
    ...wrap(`Costs: ${cost}`, '    ', '  '),
    ...wrap(`Do: ${advice}`, '    ', '  '),
  ].join('\n');
}

function licences({ unfree }: AuditRecord): string[] {
  if (unfree.length === 0) return [];
  const byLicence = Map.groupBy(unfree, ({ licence }) => licence);
  return [
    [
      `Not free: ${plural(unfree.length, 'package')}. Whether the image may be passed on is for their licences to say.`,
      ...[...byLicence].flatMap(([licence, packages]) =>
        wrap(`${licence}: ${packages.map(({ name }) => name).join(', ')}`, '    ', '  '),
      ),
    ].join('\n'),
  ];
}

/** Breaks a text into lines, the first of which may begin otherwise. */
function wrap(text: string, indent: string, first = indent): string[] {
  const lines: string[] = [];
  let line = first;
  for (const word of text.split(' ')) {
    const begun = line === first || line === indent;
    if (!begun && line.length + word.length >= lineWidth) {
      lines.push(line);
      line = indent;
    }
    line += line === first || line === indent ? word : ` ${word}`;
  }
  return [...lines, line];
}
