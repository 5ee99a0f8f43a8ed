// The staff changes a price, and customers see it; to customers the staff's pages are closed.

import assert from 'node:assert/strict';

import { scenario, until } from './harness.mjs';
import { opened, priceOf, signUp } from './store.mjs';

// That of the first variant.
const PRICE = '#price-1';
const STAFF = { email: 'staff@example.com', password: 'staff-demo-password' };

async function signsIn(visit) {
  await visit.step('is asked who it is', async (page) => {
    await page.goto('/staff');
    await page.waitForURL('**/sign-in?next=*');
  });
  await visit.accessible('the page to sign in');
  await visit.step('signs in, and is at the products', async (page) => {
    await page.getByLabel('E-mail').fill(STAFF.email);
    await page.getByLabel('Password').fill(STAFF.password);
    await page.getByTestId('enter').click();
    await page.waitForURL('**/staff/products');
    await page.getByRole('link', { name: 'Staff', exact: true }).waitFor();
  });
  await visit.accessible('the products');
}

/// Gives the page of the product, and the new price as it is shown there.
async function changesAPrice(visit) {
  const product = await visit.step('opens a product to edit', async (page) => {
    await page.getByRole('link', { name: /^Edit / }).first().click();
    await page.waitForURL('**/staff/products/*');
    return `/p/${new URL(page.url()).pathname.split('/').at(-1)}`;
  });
  await visit.accessible('the page to edit a product');
  await visit.step('is told of a price that is none', async (page) => {
    const before = await page.locator(PRICE).inputValue();
    await page.locator(PRICE).fill('much');
    await page.getByTestId('save-product').click();
    await page.getByText('The price must be a number').waitFor();
    await page.locator(PRICE).fill(before);
  });
  const price = await visit.step('makes it cheaper', async (page) => {
    // Of another number of euros and cents than before, so that no other price looks like it.
    const price = Math.round(Number(await page.locator(PRICE).inputValue()) * 100) - 101;
    await page.locator(PRICE).fill((price / 100).toFixed(2));
    await page.getByTestId('save-product').click();
    await page.waitForURL('**/staff/products?done=*');
    await page.getByTestId('notice').waitFor();
    return price;
  });
  return { product, price };
}

/// The page of the product has the price, in cents.
async function sees(page, product, price) {
  await page.goto(product);
  const shown = page.locator('.variant-price, .product-price');
  const prices = (await shown.allInnerTexts()).map(priceOf);
  assert.ok(prices.includes(price), `${price} is not among ${prices}`);
}

await scenario('staff', async (visit) => {
  await opened(visit);
  await signsIn(visit);
  const { product, price } = await changesAPrice(visit);
  await visit.step('sees the new price', (page) => sees(page, product, price));
  for (const place of ['stock', 'orders']) {
    await visit.page.goto(`/staff/${place}`);
    await visit.accessible(`the staff's page of the ${place}`);
  }

  await visit.anew();
  await visit.step('a customer sees it, too', async (page) => {
    await page.goto('/sign-up');
    await signUp(page, 'Cora Customer');
    await sees(page, product, price);
  });
  await visit.step('the search hears of it', async (page) => {
    const title = await page.getByRole('heading', { level: 1 }).innerText();
    const card = page.locator(`[data-test="product-card"]:has([href="${product}"])`);
    await until('the new price in what is found', async () => {
      await page.goto(`/search?q=${encodeURIComponent(title)}`);
      const shown = await card.locator('.card-price').allInnerTexts();
      return shown.some((text) => priceOf(text) === price);
    });
  });
  await visit.step('a customer is not shown the pages of the staff', async (page) => {
    assert.equal(await page.getByRole('link', { name: 'Staff', exact: true }).count(), 0);
    for (const path of ['', '/products', `/products/${product.slice(3)}`, '/stock', '/orders']) {
      const answer = await page.goto(`/staff${path}`);
      assert.equal(answer.status(), 403, path);
      await page.getByRole('heading', { name: 'This page is for the staff' }).waitFor();
    }
  });
  await visit.accessible('the page that is for the staff');
});
