// Looking around: without JavaScript, and by the keyboard alone. Neither needs an account.

import assert from 'node:assert/strict';

import { scenario } from './harness.mjs';
import { CARD, addToCart, linesOfCart, openFirst, opened, priceOf, signUp } from './store.mjs';

// More than any page has, so that a focus that never arrives is told from one that comes late.
const STOPS_MAX = 150;
// How far around an element its focus is looked for.
const RING_PX = 8;

async function withoutScripts(visit) {
  await visit.anew({ javaScriptEnabled: false });
  await visit.page.goto('/');
  await visit.fits('the front page');
  await visit.step('opens a category', async (page) => {
    await page.locator('.tile').first().click();
    await page.waitForURL('**/c/*');
    assert.ok((await page.locator(CARD).count()) > 0);
  });
  await visit.fits('the category');
  await visit.step('finds everything, and narrows it', findsAndNarrows);
  await visit.fits('what was found');
  await visit.step('turns the page', turnsThePage);
  const title = await visit.step('opens a product', (page) => openFirst(page));
  await visit.fits('the product');
  await visit.step('adds it to the cart', (page) => addToCart(page, [title]));
  await visit.fits('the cart');
  await visit.step('signs up, and still has it', async (page) => {
    await page.goto('/sign-up');
    await signUp(page, 'Gus Guest');
    await page.goto('/cart');
    assert.deepEqual(await linesOfCart(page), [title]);
  });
}

/// A price facet and an order; the address keeps both.
async function findsAndNarrows(page) {
  await page.getByTestId('search-box').press('Enter');
  await page.waitForURL('**/search?q=');
  const facet = page.getByRole('region', { name: 'Price' }).getByRole('link').first();
  const expected = (await facet.locator('.quiet').innerText()).match(/\d+/)[0];
  await facet.click();
  await page.waitForURL('**/search?*price_max=*');
  assert.equal(await found(page), `${expected} products`);
  await page.getByRole('link', { name: 'Price: high to low' }).click();
  await page.waitForURL('**/search?*price_max=*sort=-price*');
  assert.equal(await found(page), `${expected} products`);
  assert.ok(isFalling(await prices(page)), 'the prices rise');
}

async function turnsThePage(page) {
  const before = await prices(page);
  const titles = await page.locator('.card-title').allInnerTexts();
  await page.getByRole('link', { name: 'Next page' }).click();
  await page.waitForURL('**/search?*after=*');
  assert.ok(isFalling([...before, ...(await prices(page))]), 'the next page is not further down');
  const next = await page.locator('.card-title').allInnerTexts();
  assert.deepEqual(next.filter((title) => titles.includes(title)), []);
}

const found = (page) => page.locator('.list-bar').getByRole('status').innerText();

async function prices(page) {
  const shown = await page.locator('.card-price').allInnerTexts();
  return shown.map(priceOf);
}

const isFalling = (numbers) => numbers.every((number, at) => at === 0 || number <= numbers[at - 1]);

async function byKeyboard(visit) {
  await visit.anew();
  await visit.page.goto('/');
  await visit.step('skips to the content first', async (page) => {
    await page.keyboard.press('Tab');
    const skip = page.getByRole('link', { name: 'Skip to the content' });
    assert.ok(await isFocused(skip), 'the first stop is not the link that skips');
    await showsFocus(page);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/#content');
    await tabTo(page, page.getByRole('main').getByRole('link').first(), 1);
  });
  await visit.step('walks through the whole front page, and sees where', async (page) => {
    await page.goto('/');
    const last = page.getByRole('contentinfo').getByRole('link').last();
    const stops = await tabTo(page, last);
    const links = await page.getByRole('link').count();
    console.log(`    ${stops} stops`);
    assert.ok(stops >= links, `${stops} stops for ${links} links`);
  });
  await visit.step('searches', async (page) => {
    await page.goto('/');
    await tabTo(page, page.getByTestId('search-box'));
    await page.keyboard.type('lap');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/search?q=lap');
  });
  const title = await visit.step('opens a product', (page) => openFirst(page, enter));
  await visit.accessible('the product');
  await visit.step('adds it to the cart', (page) => addToCart(page, [title], enter));
  await visit.accessible('the cart of a guest');
}

/// Goes to a link or a button, and presses Enter.
async function enter(target) {
  const page = target.page();
  await tabTo(page, target);
  await page.keyboard.press('Enter');
}

/// Presses Tab until something is focused, and sees the focus at every stop. Gives their number.
async function tabTo(page, target, stopsMax = STOPS_MAX) {
  for (let stops = 1; stops <= stopsMax; stops += 1) {
    await page.keyboard.press('Tab');
    await showsFocus(page);
    if (await isFocused(target)) {
      return stops;
    }
  }
  throw new Error(`Tab does not come to ${target} within ${stopsMax} stops`);
}

const isFocused = (target) => target.evaluate((element) => element === document.activeElement);

/// Whoever looks at the page sees what is focused: it is not covered, and looks different.
async function showsFocus(page) {
  const { name, isCovered, clip } = await page.evaluate((margin) => {
    const { activeElement: element } = document;
    // Of a button that only its label shows, the label is what one sees.
    const shown = element.closest('label') ?? element;
    const { left, top, width, height } = shown.getBoundingClientRect();
    const there = document.elementFromPoint(left + width / 2, top + height / 2);
    const x = Math.max(0, left - margin);
    const y = Math.max(0, top - margin);
    return {
      name: element.outerHTML.slice(0, 120),
      isCovered: !shown.contains(there),
      clip: { x, y, width: left + width + margin - x, height: top + height + margin - y },
    };
  }, RING_PX);
  assert.ok(!isCovered, `the focus is out of sight or covered: ${name}`);
  const element = await page.evaluateHandle(() => document.activeElement);
  const focused = await page.screenshot({ clip });
  await element.evaluate((one) => one.blur());
  const blurred = await page.screenshot({ clip });
  await element.evaluate((one) => one.focus({ preventScroll: true, focusVisible: true }));
  assert.ok(!focused.equals(blurred), `the focus is not to be seen: ${name}`);
}

await scenario('browse', async (visit) => {
  await opened(visit);
  await withoutScripts(visit);
  await byKeyboard(visit);
});
