import { limits } from '../../host/limits.ts';
import { linesOf } from '../lists/lines.ts';
import { buildRequirements, dependenciesIn } from '../lists/project.ts';
import { requirementLines } from '../requirements.ts';
import { readToml } from '../toml.ts';
import { requirementsInSetupCfg } from './setup-cfg.ts';

/** Texts of a source that say what it needs, those that it has. */
export interface SourceTexts {
  /** pyproject.toml */
  project?: string | undefined;
  /** requirements.txt */
  list?: string | undefined;
  /** setup.cfg */
  setup?: string | undefined;
  /** PKG-INFO, which source archives have (core metadata). */
  metadata?: string | undefined;
  /** requires.txt of the egg-info, which older source archives have beside it. */
  eggList?: string | undefined;
}

/** What a source needs. */
export interface SourceNeeds {
  /** Projects that building it takes, sorted. */
  buildRequires: string[];
  /** What it requires when it runs: lines of a requirements list. */
  requires: string[];
}

/** What a package of Python needs, by its metadata where it has any. */
export function needsOfPackage(texts: SourceTexts): SourceNeeds {
  const { project = '', metadata = '', eggList, setup = '', list } = texts;
  const told = requirementLines(metadata);
  const requires =
    (told.length > 0 ? told : undefined) ??
    dependenciesOf(project) ??
    (eggList === undefined ? undefined : ofEggInfo(eggList)) ??
    requirementsInSetupCfg(setup) ??
    ofList(list ?? '');
  return { buildRequires: buildRequirements(project), requires: bounded(requires) };
}

/** What a custom node needs: its list is what ComfyUI-Manager installs. */
export const needsOfNode = ({ project = '', list }: SourceTexts): string[] =>
  bounded(list === undefined ? (dependenciesOf(project) ?? []) : ofList(list));

const bounded = (lines: readonly string[]) => lines.slice(0, limits.requirements);

function dependenciesOf(project: string): string[] | undefined {
  const read = readToml(project);
  return 'tables' in read ? dependenciesIn(read.tables) : undefined;
}

/** Its options are for the machine of who wrote it. */
const ofList = (content: string): string[] =>
  linesOf(content)
    .map(({ text }) => text)
    .filter(text => !text.startsWith('-'));

/** Sections are extras, "[:MARKER]", or both. */
function ofEggInfo(content: string): string[] {
  let section = '';
  return linesOf(content).flatMap(({ text }) => {
    const [, begun] = /^\[(.*)\]$/.exec(text) ?? [];
    section = begun ?? section;
    if (begun !== undefined) return [];
    if (section === '') return [text];
    return section.startsWith(':') ? [`${text} ; ${section.slice(1)}`] : [];
  });
}
