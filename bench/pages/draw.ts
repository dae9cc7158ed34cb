// Draws pages and Mermaid's pictures by chromium. What it needs of npm lies in the folder, not among the
// project's packages: Mermaid alone has two hundred megabytes.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const packages = ['mermaid@12.3.0', 'playwright-core@1.65.1', 'speedscope@1.25.0'];
const browsers = ['chromium-headless-shell', 'chromium'];

/** What is used of a page of playwright. */
interface Page {
  goto(address: string): Promise<unknown>;
  setContent(html: string): Promise<void>;
  addScriptTag(script: { path: string }): Promise<unknown>;
  waitForFunction(program: string): Promise<unknown>;
  innerText(selector: string): Promise<string>;
  evaluate<Value>(program: string): Promise<Value>;
  screenshot(options: { path: string; fullPage: boolean }): Promise<unknown>;
  on(event: 'pageerror' | 'request' | 'console', told: (what: Told) => void): void;
  keyboard: { press(key: string): Promise<void> };
  locator(selector: string): {
    focus(): Promise<void>;
    click(): Promise<void>;
    innerText(): Promise<string>;
  };
  close(): Promise<void>;
}

interface Told {
  message?: string;
  url?(): string;
  text?(): string;
}

interface Browser {
  newPage(options: object): Promise<Page>;
  close(): Promise<void>;
}

interface Playwright {
  chromium: { launch(options: object): Promise<Browser> };
}

/** Draws `NAME.report.html` and `NAME.gantt.mmd` of a folder, as pictures beside them. */
export async function drawPages(folder: string, names: readonly string[]): Promise<void> {
  if (!existsSync(join(folder, 'node_modules/speedscope'))) {
    const args = ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-save'];
    execFileSync('npm', [...args, ...packages], { stdio: 'inherit' });
  }
  const browserPath = browsers.map(name => `/usr/bin/${name}`).find(existsSync);
  if (browserPath === undefined) throw new Error('apt-get install chromium-headless-shell');
  const { chromium } = createRequire(folder)('playwright-core') as Playwright;
  const args = ['--no-sandbox', '--enable-unsafe-swiftshader'];
  const browser = await chromium.launch({ executablePath: browserPath, args });
  try {
    for (const name of names) {
      await drawGantt(browser, folder, name);
      await readTrace(browser, folder, name);
      for (const width of [360, 1600]) {
        for (const colorScheme of ['light', 'dark']) {
          await drawPage(browser, folder, name, { width, colorScheme });
        }
      }
    }
  } finally {
    await browser.close();
  }
}

async function drawGantt(browser: Browser, folder: string, name: string): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1000, height: 800 } });
  const text = readFileSync(join(folder, `${name}.gantt.mmd`), 'utf8');
  await page.setContent('<div id="picture"></div>');
  await page.addScriptTag({ path: join(folder, 'node_modules/mermaid/dist/mermaid.min.js') });
  await page.evaluate(`(async () => {
    mermaid.initialize({ startOnLoad: false });
    const { svg } = await mermaid.render('gantt', ${JSON.stringify(text)});
    document.getElementById('picture').innerHTML = svg;
  })()`);
  await page.screenshot({ path: join(folder, `${name}.gantt.png`), fullPage: true });
  await page.close();
}

/** Has speedscope read a trace, and prints what it has found: "run (pid 0, tid 0) (1/43)" is the first of 43. */
async function readTrace(browser: Browser, folder: string, name: string): Promise<void> {
  const file = `${name}.trace.json`;
  const content = readFileSync(join(folder, file)).toString('base64');
  const program = join(folder, `${file}.js`);
  writeFileSync(program, `speedscope.loadFileFromBase64(${JSON.stringify(file)}, "${content}")`);
  const page = await browser.newPage({ viewport: { width: 1200, height: 700 } });
  const release = join(folder, 'node_modules/speedscope/dist/release/index.html');
  await page.goto(`file://${release}#localProfilePath=${program}`);
  const read = /^run .*\(1\/\d+\)$/m;
  await page.waitForFunction(`${read}.test(document.body.innerText)`);
  console.log(`${name} trace, as speedscope reads it: ${read.exec(await page.innerText('body'))}`);
  await page.close();
}

/** Draws a page, uses it by keyboard, and fails where it reports a fault, loads something or is too wide. */
async function drawPage(
  browser: Browser,
  folder: string,
  name: string,
  { width, colorScheme }: { width: number; colorScheme: string },
): Promise<void> {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  const faults: string[] = [];
  page.on('pageerror', ({ message = '' }) => faults.push(message));
  page.on('console', told => faults.push(told.text?.() ?? ''));
  const address = `file://${folder}${name}.report.html`;
  page.on('request', told => {
    if (told.url?.() !== address) faults.push(`it loads ${told.url?.()}`);
  });
  const begun = performance.now();
  await page.goto(address);
  const drawn = Math.round(performance.now() - begun);
  const wide = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
  if (wide > 0) faults.push(`it is ${wide} pixels too wide`);
  await page.screenshot({ path: `${folder}${name}.${width}.${colorScheme}.png`, fullPage: true });
  await page.locator('#time-line-chart').focus();
  for (const key of ['+', '+', 'ArrowRight']) await page.keyboard.press(key);
  const shown = await page.locator('#time-line-shown').innerText();
  if (!shown.startsWith('Shown: ')) faults.push('keys do not zoom');
  await page.close();
  console.log(`${name} ${width} ${colorScheme}: opened in ${drawn} ms, ${shown}`);
  if (faults.length > 0) throw new Error(faults.join('\n'));
}
