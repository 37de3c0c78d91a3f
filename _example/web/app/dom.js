// Elements without HTML strings: what a user typed can only become text.

import { t } from './i18n.js';

/**
 * h('button', { class: 'send', t: 'send', onclick }, ...children).
 * t names a text, tLabel an aria-label, tTitle a tooltip, tHint a placeholder of i18n.js;
 * on* is a listener; anything else is an attribute, left out when null or false.
 */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name in TRANSLATED) node.dataset[name] = value;
    else if (name === 'value') node.value = value;
    else node.setAttribute(name === 'class' ? 'class' : name, value === true ? '' : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  translate(node);
  return node;
}

const TRANSLATED = {
  t: (node, text) => { node.textContent = text; },
  tLabel: (node, text) => node.setAttribute('aria-label', text),
  tTitle: (node, text) => node.setAttribute('title', text),
  tHint: (node, text) => node.setAttribute('placeholder', text),
};

function translate(node) {
  for (const [name, set] of Object.entries(TRANSLATED)) {
    if (node.dataset[name]) set(node, t(node.dataset[name]));
  }
}

/** Puts every marked text of the page into the current language. */
export function translateAll(root = document) {
  root.querySelectorAll('[data-t], [data-t-label], [data-t-title], [data-t-hint]').forEach(translate);
}

/** fn, at most once a picture, however often it is asked for. */
export function soon(fn) {
  let asked = 0;
  return () => {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      fn();
    });
  };
}

const SVG = 'http://www.w3.org/2000/svg';
const ICONS = {
  back: 'M15 5l-7 7 7 7',
  send: 'M4 12l16-8-6 16-3-6.5z',
  smile: 'M12 3a9 9 0 100 18 9 9 0 000-18zM8.5 14.5a4.5 4.5 0 007 0M9 9.5v.5M15 9.5v.5',
  window: 'M9 5H5v14h14v-4M13 5h6v6M19 5l-8 8',
  leave: 'M10 5H5v14h5M14 8l4 4-4 4M18 12H9',
  down: 'M6 10l6 6 6-6',
  search: 'M11 5a6 6 0 100 12 6 6 0 000-12zM16 16l4 4',
  columns: 'M4 5h16v14H4zM12 5v14',
  copy: 'M9 9h10v10H9zM5 15V5h10',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5',
};

export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', ICONS[name]);
  svg.append(path);
  return svg;
}

/** The first letter of a name on one of eight quiet colours. */
export function avatar(name, uid) {
  const [letter = '?'] = name;
  return h('span', { class: `avatar hue-${uid % 8}`, 'aria-hidden': 'true' }, letter.toUpperCase());
}

// Up to a space, a quote, or punctuation that no address holds unescaped.
const LINK = /\bhttps?:\/\/[^\s<>"'\u2018-\u201f\u2026\u3000-\u3020\uff01-\uff0f\uff1a-\uff20\uff3b-\uff3d\uff5b-\uff65]+/g;
const PAIRS = { ')': '(', ']': '[', '}': '{' };

/** Without what belongs to the sentence: its stop, and a bracket that was opened before the address. */
function trimmed(address) {
  for (;;) {
    const last = address.at(-1);
    const count = (char) => address.split(char).length;
    if (!'.,;:!?'.includes(last) && !(last in PAIRS && count(last) > count(PAIRS[last]))) return address;
    address = address.slice(0, -1);
  }
}

/** Text with its addresses as links; everything else stays text. */
export function linkified(text) {
  const parts = document.createDocumentFragment();
  let at = 0;
  for (const match of text.matchAll(LINK)) {
    const address = trimmed(match[0]);
    parts.append(text.slice(at, match.index), h('a', { href: address, target: '_blank', rel: 'noopener noreferrer nofollow' }, address));
    at = match.index + address.length;
  }
  parts.append(text.slice(at));
  return parts;
}

/** Copies, and lets the button say so for a moment. */
export async function copyText(text, button) {
  if (navigator.clipboard) await navigator.clipboard.writeText(text);
  else copyBySelection(text);
  button.dataset.t = 'copied';
  button.textContent = t('copied');
  setTimeout(() => { button.dataset.t = 'copy'; button.textContent = t('copy'); }, 1500);
}

// Plain http, as on a phone in the same network, has no clipboard object.
function copyBySelection(text) {
  const area = h('textarea', { class: 'visually-hidden', 'aria-hidden': 'true', value: text });
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}
