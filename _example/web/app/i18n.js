// The page's language: the browser's, or the one chosen by the switch.

import en from './strings-en.js';
import zh from './strings-zh.js';

const LANGUAGES = { en, zh };
const KEY = 'fiberchat.language';

export const languageChanged = new EventTarget();

let language = localStorage.getItem(KEY) ?? (navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en');
if (!LANGUAGES[language]) language = 'en';
apply();

export const currentLanguage = () => language;

export function setLanguage(next) {
  language = next;
  localStorage.setItem(KEY, next);
  apply();
  languageChanged.dispatchEvent(new Event('change'));
}

function apply() {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  document.title = t('title');
}

/** The text of key with {0}, {1} filled in. A missing key shows itself. */
export function t(key, ...values) {
  const text = LANGUAGES[language][key] ?? key;
  return text.replace(/\{(\d)\}/g, (_, at) => values[at]);
}

const locale = () => document.documentElement.lang;
const format = (options) => new Intl.DateTimeFormat(locale(), options);

/** Time of day for today, the day for this year, else the date. */
export function shortTime(time) {
  const then = new Date(time);
  const now = new Date();
  if (then.toDateString() === now.toDateString()) return timeOfDay(then);
  if (then.getFullYear() === now.getFullYear()) return format({ month: 'short', day: 'numeric' }).format(then);
  return format({ year: 'numeric', month: 'short', day: 'numeric' }).format(then);
}

export const timeOfDay = (time) => format({ hour: '2-digit', minute: '2-digit', hour12: false }).format(time);

/** Today, Yesterday, or the date. */
export function dayName(time) {
  const midnight = (when) => new Date(when).setHours(0, 0, 0, 0);
  const ago = Math.round((midnight(Date.now()) - midnight(time)) / 86_400_000);
  if (ago !== 0 && ago !== 1) return format({ weekday: 'short', year: ago > 300 ? 'numeric' : undefined, month: 'short', day: 'numeric' }).format(time);
  const name = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' }).format(-ago, 'day');
  return name[0].toLocaleUpperCase(locale()) + name.slice(1);
}

export function longTime(time) {
  const sameDay = new Date(time).toDateString() === new Date().toDateString();
  return format({ ...(sameDay ? {} : { month: 'short', day: 'numeric' }), hour: '2-digit', minute: '2-digit', hour12: false }).format(time);
}
