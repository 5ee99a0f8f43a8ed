// Somebody new buys two things, and sees them come: at a desk, and somebody else on a telephone.

import assert from 'node:assert/strict';

import { DESK, TELEPHONE, scenario, until } from './harness.mjs';
import { addToCart, linesOfCart, openFirst, opened, priceOf, signUp } from './store.mjs';

const NAME = 'Ada Example';
const WAY = ['placed', 'paid', 'picked', 'shipped', 'delivered'];
// Long, because a shipment of the demo takes some seconds for each stage.
const DELIVERY_MS = 180_000;

async function signsUp(visit) {
  await visit.page.goto('/');
  await visit.accessible('the front page');
  await visit.step('signs up', async (page) => {
    await page.getByRole('link', { name: 'Sign in' }).click();
    await page.getByRole('link', { name: 'Make an account' }).click();
    await page.waitForURL('**/sign-up**');
  });
  await visit.accessible('the page to sign up');
  await visit.step('has an account', (page) => signUp(page, NAME));
}

async function fillsTheCart(visit) {
  await visit.step('searches "lap" by keyboard', async (page) => {
    const box = page.getByTestId('search-box');
    await box.pressSequentially('lap');
    await page.locator('#suggestions option[value^="lap"]').first().waitFor({ state: 'attached' });
    await box.press('Enter');
    await page.waitForURL('**/search?q=lap');
  });
  await visit.accessible('what was found');
  const first = await visit.step('opens a product', (page) => openFirst(page));
  await visit.accessible('the product');
  await visit.step('adds it to the cart', (page) => addToCart(page, [first]));
  await visit.step('looks into a category', async (page) => {
    await page.getByRole('navigation', { name: 'More' }).getByText('Shop').click();
    await page.getByRole('navigation', { name: 'Categories' }).getByText('kitchen').click();
    await page.waitForURL('**/c/kitchen');
  });
  await visit.accessible('the category');
  const second = await visit.step('opens another product there', (page) => openFirst(page));
  await visit.step('adds that as well', (page) => addToCart(page, [first, second]));
  await visit.accessible('the cart');
  return [first, second];
}

async function checksOut(visit, titles) {
  await visit.step('goes to the checkout', async (page) => {
    await page.getByTestId('checkout').click();
    await page.waitForURL('**/checkout');
  });
  await visit.accessible('the checkout without an address');
  await visit.step('says where to', async (page) => {
    await page.getByLabel('Name').fill(NAME);
    await page.getByLabel('Street').fill('Main Street 1');
    await page.getByLabel('Postcode').fill('10115');
    await page.getByLabel('City').fill('Berlin');
    await page.getByLabel('Country').selectOption('DE');
    await page.getByTestId('use-address').click();
    await page.getByTestId('place-order').waitFor();
  });
  await visit.accessible('the checkout');
  const total = await visit.step('chooses the shipping, and sees the total', async (page) => {
    const option = page.locator('label.variant').last();
    await option.click();
    const price = await option.locator('.variant-price').innerText();
    const [goods, shipping] = await page.locator('.sums dd').allInnerTexts();
    const shown = await page.getByTestId('order-total').innerText();
    assert.equal(shipping, price);
    assert.equal(priceOf(shown), priceOf(goods) + priceOf(shipping));
    return shown;
  });
  await visit.step('pays', async (page) => {
    await page.getByLabel('Card number').fill('4242 4242 4242 4242');
    await page.getByLabel('Valid until').fill('12/39');
    await page.getByLabel('Security code').fill('123');
    await page.getByTestId('place-order').click();
    await page.waitForURL('**/orders/o-*');
    await noteStatuses(page);
    assert.equal(await page.getByTestId('order-total').innerText(), total);
    const lines = await page.locator('.order-lines a').allInnerTexts();
    assert.deepEqual(lines.toSorted(), titles.toSorted());
  });
}

/// Has the page keep each status that it shows from now on. What it keeps is gone once it is loaded
/// anew.
async function noteStatuses(page) {
  await page.getByTestId('order-status').evaluate((element) => {
    globalThis.statuses = [element.dataset.status];
    new MutationObserver(() => globalThis.statuses.push(element.dataset.status)).observe(element, {
      attributeFilter: ['data-status'],
    });
  });
}

async function seesItCome(visit) {
  await visit.accessible('an order on its way');
  const order = await visit.step('follows the status to the end, live', async (page) => {
    const delivered = '[data-test="order-status"][data-status="delivered"]';
    await page.locator(delivered, { hasText: 'Delivered' }).waitFor({ timeout: DELIVERY_MS });
    const statuses = await page.evaluate(() => globalThis.statuses);
    assert.ok(statuses, 'the page was loaded anew');
    assert.ok(statuses.length > 1, `nothing changed: it was ${statuses} from the beginning`);
    assert.deepEqual(statuses, WAY.filter((status) => statuses.includes(status)));
    console.log(`    the statuses were ${statuses.join(', ')}`);
    return new URL(page.url()).pathname;
  });
  await visit.accessible('an order that has arrived');
  await visit.step('finds it among the orders, and the cart empty', async (page) => {
    await page.goto('/cart');
    assert.deepEqual(await linesOfCart(page), []);
    await page.goto('/orders');
    const entry = page.getByTestId('order');
    assert.equal(await entry.getAttribute('href'), order);
    assert.match(await entry.innerText(), /Delivered/);
  });
  await visit.accessible('the orders');
  const arrived = visit.page.getByTestId('message').filter({ hasText: 'has arrived' });
  await visit.step('has messages about it', async (page) => {
    await until('the message that it has arrived', async () => {
      await page.goto('/inbox');
      return (await arrived.count()) > 0;
    });
    const titles = await page.getByTestId('message').getByRole('heading').allInnerTexts();
    console.log(`    the messages are ${titles.join(', ')}`);
  });
  await visit.accessible('the messages');
  await visit.step('comes from the message to the order', async (page) => {
    await arrived.getByRole('button', { name: 'Show it' }).click();
    await page.waitForURL(`**${order}`);
  });
  await visit.page.goto('/account');
  await visit.accessible('the account');
}

await scenario('shop', async (visit) => {
  await opened(visit);
  for (const size of [DESK, TELEPHONE]) {
    await visit.anew({ size });
    await signsUp(visit);
    const titles = await fillsTheCart(visit);
    await checksOut(visit, titles);
    await seesItCome(visit);
  }
});
