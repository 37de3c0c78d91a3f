// A row of tabs of which one is chosen; the arrow keys walk it.

import { h } from './dom.js';

/**
 * tabs are {id, controls, t} or {id, controls, name}; onChoose gets the place
 * of the chosen one. props go to the row.
 */
export function tabRow(tabs, onChoose, props) {
  const buttons = tabs.map(({ id, controls, t, name = '' }, at) =>
    h('button', { type: 'button', class: 'tab', role: 'tab', id, 'aria-controls': controls, t, onclick: () => choose(at) }, ...(t ? [] : [name])));
  const root = h('div', { class: 'tabs', role: 'tablist', onkeydown, ...props }, ...buttons);

  let chosen = 0;
  function choose(at) {
    chosen = at;
    buttons.forEach((button, i) => {
      button.setAttribute('aria-selected', String(i === at));
      button.tabIndex = i === at ? 0 : -1;
    });
    onChoose(at);
  }
  function onkeydown(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    choose((chosen + step + buttons.length) % buttons.length);
    buttons[chosen].focus();
  }
  return { root, choose };
}
