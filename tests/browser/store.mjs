// What people do in the store in more than one scenario.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { until } from './harness.mjs';

/// The first card of something that can be bought.
export const CARD = '[data-test="product-card"]:not(:has-text("Sold out")) a';

/// The first request to the catalog loads its goods; the search and the warehouse hear of them.
export async function opened(visit) {
  await visit.step('the goods are on sale', (page) =>
    until('all goods of the catalog to be found, and in stock', async () => {
      const [categories, found] = await Promise.all([
        page.request.get('/api/catalog/categories'),
        page.request.get('/api/search?limit=1'),
      ]);
      if (!categories.ok() || !found.ok()) {
        return false;
      }
      const counts = (await categories.json()).categories.map(({ products }) => products);
      const { total, facets } = await found.json();
      const goods = counts.reduce((sum, count) => sum + count, 0);
      // Few may be sold out, where the store is not a new one.
      return total > 0 && total === goods && facets.in_stock.yes > facets.in_stock.no;
    }),
  );
}

/// Somebody new makes an account, on the page for it.
export async function signUp(page, name) {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('E-mail').fill(`${randomUUID()}@example.com`);
  await page.getByLabel('Password').fill('a long enough password');
  await page.getByTestId('enter').click();
  await page.getByRole('link', { name: `Account of ${name}` }).waitFor();
}

/// Opens the first thing of a list that can be bought, and gives its title.
export async function openFirst(page, open = (link) => link.click()) {
  const link = page.locator(CARD).first();
  const title = await link.locator('.card-title').innerText();
  await open(link);
  await page.waitForURL('**/p/*');
  assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), title);
  return title;
}

/// Adds the product that is open to the cart, which is then open and holds what is said.
export async function addToCart(page, titles, press = (button) => button.click()) {
  await press(page.getByTestId('add-to-cart'));
  await page.waitForURL('**/cart?added=*');
  await page.getByTestId('notice').waitFor();
  assert.deepEqual(await linesOfCart(page), titles.toSorted());
}

/// The titles of what lies in the cart that is open.
export async function linesOfCart(page) {
  const lines = page.getByTestId('cart-line').locator('.line-title');
  return (await lines.allInnerTexts()).toSorted();
}

/// The cents of a price as it is shown, such as `from €1,234.50`.
export function priceOf(shown) {
  const [price] = shown.match(/€[\d,]+\.\d\d/) ?? [];
  assert.ok(price, `there is no price in ${shown}`);
  return Number(price.replace(/\D/g, ''));
}
