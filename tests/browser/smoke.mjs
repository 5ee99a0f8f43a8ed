// The browser reaches the app, and the check of pages finds what it is for. Pages for the check are
// answered by the test itself, under a policy as strict as an app can have.

import assert from 'node:assert/strict';

import { scenario } from './harness.mjs';

const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

const page = (title, body) =>
  `<!doctype html><html lang="en"><head><title>${title}</title>
  <meta name="viewport" content="width=device-width"></head><body><main>${body}</main></body></html>`;

const PAGES = {
  '/sound': page('Sound', '<h1>Sound</h1><p>Nothing is wrong.</p>'),
  '/pale': page('Pale', '<h1>Pale</h1><p style="color: #ccc">Who can read this?</p>'),
  '/nameless': page('Nameless', '<h1>Nameless</h1><button></button>'),
  '/wide': page('Wide', '<h1>Wide</h1><div style="width: 500px">For desks alone.</div>'),
};

await scenario('smoke', async (visit) => {
  await visit.step('the products are there', async (page) => {
    const answer = await page.goto('/products');
    assert.equal(answer.status(), 200);
    assert.equal(answer.headers()['content-type'], 'application/json');
    assert.match(await page.locator('body').innerText(), /Laptop/);
  });

  await visit.page.route('**/*', (route) => {
    const body = PAGES[new URL(route.request().url()).pathname];
    const headers = { 'content-security-policy': POLICY };
    return body ? route.fulfill({ contentType: 'text/html', headers, body }) : route.continue();
  });
  await visit.page.goto('/sound');
  await visit.accessible('a sound page');
  for (const [path, complaint] of [
    ['/pale', /at 1280x800: serious: .*\(color-contrast\): p/],
    ['/nameless', /at 1280x800: critical: .*\(button-name\): button/],
    ['/wide', /at 390x844: the page is \d+ pixels wide and has room for 390/],
  ]) {
    await visit.page.goto(path);
    await assert.rejects(visit.accessible(`the page ${path}`), { message: complaint });
  }
});
