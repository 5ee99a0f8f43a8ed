// Plays a scenario in a real browser against an app that runs: steps with names, the check of a
// page for people who see or move otherwise, and what a failure leaves behind. What is done in the
// pages is left to the scenarios, which are called with the app's address and a folder for failures:
//
//     node tests/browser/smoke.mjs http://127.0.0.1:3000 [target/browser-failures]
//
// Exit codes: 0 when every step went well, 1 when one did not, 2 for a mistake on the command line,
// 3 where this machine cannot play it, with the reason and the mend on standard error.

import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';

const CHROMIUM = '/usr/bin/chromium';
// What playwright-core asks for; with an older one it ends the process.
const NODE_MAJOR_MIN = 20;
// Long, because the machine may be busy: a scenario that goes well never waits for its end.
const PATIENCE_MS = 60_000;
const LOOK_AGAIN_AFTER_MS = 200;
export const DESK = { width: 1280, height: 800 };
export const TELEPHONE = { width: 390, height: 844 };
const SIZES = [DESK, TELEPHONE];
const GRAVE = ['serious', 'critical'];

/// Plays a scenario: `play` gets a visit.
export async function scenario(name, play) {
  const [address, failures = join('target', 'browser-failures')] = process.argv.slice(2);
  if (!URL.canParse(address)) {
    console.error(`usage: node ${name}.mjs http://HOST:PORT [FOLDER]`);
    process.exit(2);
  }
  const { chromium, axe } = await tools();
  const folder = join(failures, name);
  // What an earlier failure left would be taken for this one's.
  rmSync(folder, { recursive: true, force: true });
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    // Chromium's own sandbox refuses root; containers often have a small /dev/shm.
    args: ['--disable-dev-shm-usage', ...(process.getuid() === 0 ? ['--no-sandbox'] : [])],
  });
  const visit = new Visit(browser, address, axe);
  try {
    await visit.anew();
    await play(visit);
    console.log(`${name}: every step went well`);
  } catch (error) {
    process.exitCode = 1;
    console.error(`${name}: ${visit.place}: ${stripVTControlCharacters(error.message)}`);
    await visit.keep(folder, error);
    console.error(`what the browser showed and said is in ${folder}`);
  } finally {
    await browser.close();
  }
}

/// Waits until `look` finds something, for what no page shows of itself.
export async function until(what, look) {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found) {
      return found;
    }
    if (performance.now() > end) {
      throw new Error(`waited in vain for ${what}`);
    }
    await setTimeout(LOOK_AGAIN_AFTER_MS);
  }
}

/// A person's visit to the app: one browser context with one page.
class Visit {
  constructor(browser, address, axe) {
    this.browser = browser;
    this.address = address;
    this.axe = axe;
    /// The step that is played.
    this.place = 'before the first step';
    this.lines = [];
    this.crash = null;
  }

  /// Somebody else comes: nothing is left of who was there before.
  async anew({ size = DESK, javaScriptEnabled = true } = {}) {
    await this.page?.context().close();
    this.size = size;
    const context = await this.browser.newContext({
      baseURL: this.address,
      locale: 'en-US',
      viewport: size,
      javaScriptEnabled,
      // Colours are judged as they stay, not on their way.
      reducedMotion: 'reduce',
    });
    context.setDefaultTimeout(PATIENCE_MS);
    // Before any script of a page, where the page's own policy on scripts does not forbid it.
    await context.addInitScript({ content: this.axe.source });
    this.page = await context.newPage();
    this.listen(this.page);
  }

  listen(page) {
    page.on('console', (message) => this.lines.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => {
      this.lines.push(`uncaught: ${error.stack}`);
      this.crash ??= error;
    });
    page.on('requestfailed', (request) => {
      this.lines.push(`failed: ${request.method()} ${request.url()}: ${request.failure()?.errorText}`);
    });
    page.on('response', (response) => {
      if (response.status() >= 400) {
        this.lines.push(`${response.status()}: ${response.request().method()} ${response.url()}`);
      }
    });
  }

  /// One step. An error that a script of the page does not catch fails it as well.
  async step(name, play) {
    this.place = this.size === DESK ? name : `${name}, at ${sides(this.size)}`;
    this.lines.push(`--- ${this.place}`);
    const started = performance.now();
    const outcome = await play(this.page);
    if (this.crash) {
      throw new Error(`a script of the page failed: ${this.crash.message}`);
    }
    console.log(`  ${this.place} (${Math.round(performance.now() - started)} ms)`);
    return outcome;
  }

  /// Checks the page that is open, in every size: nothing that axe calls serious or critical, and
  /// nothing that one has to move sideways for.
  async accessible(name) {
    await this.step(`${name} is accessible`, (page) =>
      this.inEverySize(async () => [...(await violations(page)), ...(await overflow(page))]),
    );
  }

  /// The part of it that can be checked where pages run no scripts: axe waits with timers.
  async fits(name) {
    await this.step(`${name} fits`, (page) => this.inEverySize(() => overflow(page)));
  }

  async inEverySize(check) {
    for (const size of SIZES) {
      await this.page.setViewportSize(size);
      const found = await check();
      if (found.length > 0) {
        // A failure is shown in the size that has it.
        throw new Error(found.map((text) => `at ${sides(size)}: ${text}`).join('\n'));
      }
    }
    await this.page.setViewportSize(this.size);
  }

  /// Writes down what there is to see of a failure.
  async keep(folder, error) {
    mkdirSync(folder, { recursive: true });
    const text = [...this.lines, `${this.place}: ${error.stack}`].join('\n');
    writeFileSync(join(folder, 'console.txt'), `${stripVTControlCharacters(text)}\n`);
    const path = join(folder, 'page.png');
    const attempts = [
      this.page.screenshot({ path, fullPage: true }),
      this.page.content().then((html) => writeFileSync(join(folder, 'page.html'), html)),
    ];
    for (const attempt of await Promise.allSettled(attempts)) {
      if (attempt.status === 'rejected') {
        console.error(`not kept: ${attempt.reason.message}`);
      }
    }
  }
}

const sides = ({ width, height }) => `${width}x${height}`;

async function violations(page) {
  const found = await page.evaluate(() =>
    globalThis.axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations),
  );
  const described = ({ id, impact, help, nodes }) => {
    const places = nodes.map(({ target }) => target.join(' ')).join(', ');
    return `${impact}: ${help} (${id}): ${places}`;
  };
  for (const light of found.filter(({ impact }) => !GRAVE.includes(impact))) {
    console.log(`    note of axe: ${described(light)}`);
  }
  return found.filter(({ impact }) => GRAVE.includes(impact)).map(described);
}

async function overflow(page) {
  const [width, room] = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return [scrollWidth, clientWidth];
  });
  return width > room ? [`the page is ${width} pixels wide and has room for ${room}`] : [];
}

/// The browser and the check, or the reason why there are none.
async function tools() {
  if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_MIN) {
    unable(`node is ${process.versions.node}; install Node.js ${NODE_MAJOR_MIN} or newer`);
  }
  if (!existsSync(CHROMIUM)) {
    unable(`there is no ${CHROMIUM}; on Debian: apt-get install chromium`);
  }
  try {
    const { chromium, selectors } = await import('playwright-core');
    const { default: axe } = await import('axe-core');
    selectors.setTestIdAttribute('data-test');
    return { chromium, axe };
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') {
      throw error;
    }
    return unable('playwright-core or axe-core is not installed; run `npm ci --prefix tests/browser`');
  }
}

function unable(reason) {
  console.error(reason);
  process.exit(3);
}
