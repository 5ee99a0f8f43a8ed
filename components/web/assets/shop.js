// What pages can do better with a script: suggestions while one types, the card's way to the
// provider, and the status of an order as it changes. Without it, all but paying works.
'use strict';

// Suggestions: of what is typed, once the typing pauses.
const SUGGEST_AFTER_MS = 150;

function suggest(box) {
  const list = document.getElementById(box.getAttribute('list'));
  let timer;
  let asked = '';
  const ask = async () => {
    const text = box.value.trim();
    if (text.length < 2 || text === asked) {
      return;
    }
    asked = text;
    const answer = await fetch(`/api/search/suggest?q=${encodeURIComponent(text)}`);
    // Someone may have typed on in the meantime.
    if (!answer.ok || asked !== text) {
      return;
    }
    const { suggestions } = await answer.json();
    list.replaceChildren(
      ...suggestions.map((suggestion) => {
        const option = document.createElement('option');
        option.value = suggestion;
        return option;
      }),
    );
  };
  box.addEventListener('input', () => {
    clearTimeout(timer);
    // Suggestions are a courtesy: without them one types on.
    timer = setTimeout(() => ask().catch(() => {}), SUGGEST_AFTER_MS);
  });
}

// The status of an order.
const LOOK_EVERY_MS = 1500;
const LOOK_EVERY_MS_MAX = 20_000;

function follow(status) {
  const progress = document.querySelector('[data-progress]');
  let pause = LOOK_EVERY_MS;
  const look = async () => {
    const answer = await fetch(status.dataset.live, { headers: { accept: 'application/json' } });
    if (!answer.ok) {
      throw new Error(`the status is ${answer.status}`);
    }
    const now = await answer.json();
    if (now.reload) {
      location.reload();
      return true;
    }
    if (progress.dataset.html !== now.html) {
      progress.dataset.html = now.html;
      // Made by the same template as the page itself.
      progress.innerHTML = now.html;
    }
    if (status.dataset.status !== now.status) {
      status.dataset.status = now.status;
      status.textContent = now.label;
    }
    if (!now.cancellable) {
      document.querySelector('[data-cancel]')?.remove();
    }
    if (now.final) {
      document.querySelector('[data-open]')?.remove();
    }
    return now.final;
  };
  const again = async () => {
    let isOver = false;
    try {
      // Nobody sees a page in the background.
      isOver = !document.hidden && (await look());
      pause = LOOK_EVERY_MS;
    } catch {
      pause = Math.min(pause * 2, LOOK_EVERY_MS_MAX);
    }
    if (!isOver) {
      setTimeout(again, pause);
    }
  };
  setTimeout(again, pause);
}

// The checkout: the total of the way of shipping that is chosen, and the card.
function checkout(form) {
  const total = document.querySelector('[data-total-shown]');
  const shipping = document.querySelector('[data-shipping-shown]');
  const button = document.querySelector(`button[form="${form.id}"]`);
  const fields = [...form.querySelectorAll('[data-card]')];
  const show = () => {
    const chosen = form.querySelector('input[name="shipping"]:checked');
    if (chosen) {
      total.textContent = chosen.dataset.total;
      shipping.textContent = chosen.dataset.shipping;
    }
  };
  form.addEventListener('change', show);
  // The browser may have restored another choice.
  show();
  // A card that is kept is used unless another one is typed, and then all of that one is needed.
  const isTyped = () => fields.some((field) => field.value.trim() !== '');
  form.addEventListener('input', () => {
    const isNeeded = isTyped() || form.elements.payment_token.value === '';
    fields.forEach((field) => {
      field.required = isNeeded;
    });
  });
  form.addEventListener('submit', (event) => {
    if (!isTyped() && form.elements.payment_token.value !== '') {
      button.disabled = true;
      return;
    }
    event.preventDefault();
    button.disabled = true;
    pay(form, fields).then(
      (isPaid) => {
        if (isPaid) {
          form.submit();
        } else {
          button.disabled = false;
        }
      },
      () => {
        complain(form, 'The payment provider cannot be reached. Try again in a moment.');
        button.disabled = false;
      },
    );
  });
  // Someone who comes back to the page may order again.
  window.addEventListener('pageshow', () => {
    button.disabled = false;
  });
}

// Trades the card for a token. Only the token and the last digits go into the form.
async function pay(form, fields) {
  const card = Object.fromEntries(fields.map((field) => [field.dataset.card, field.value.trim()]));
  fields.forEach((field) => say(field, ''));
  complain(form, '');
  const answer = await fetch('/payment-provider/tokens', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(card),
  });
  const body = await answer.json();
  if (answer.ok) {
    form.elements.payment_token.value = body.token;
    form.elements.card_ends.value = card.card_number.replace(/\D/g, '').slice(-4);
    return true;
  }
  const errors = body.errors ?? [];
  const wrong = fields.filter((field) => {
    const error = errors.find(({ field: name }) => name === field.dataset.card);
    if (error) {
      const label = form.querySelector(`label[for="${field.id}"]`).textContent;
      say(field, `${label} ${error.detail}.`);
    }
    return error;
  });
  if (wrong.length > 0) {
    wrong[0].focus();
  } else {
    complain(form, body.detail ?? 'The card cannot be used.');
  }
  return false;
}

function say(field, text) {
  const error = document.getElementById(`${field.id}-error`);
  error.textContent = text;
  error.hidden = text === '';
  field.setAttribute('aria-invalid', String(text !== ''));
}

function complain(form, text) {
  const alert = form.querySelector('[data-card-error]');
  alert.textContent = text;
  alert.hidden = text === '';
}

const start = (selector, enhance) => document.querySelectorAll(selector).forEach(enhance);
start('input[list="suggestions"]', suggest);
start('[data-live]', follow);
start('[data-checkout]', checkout);
