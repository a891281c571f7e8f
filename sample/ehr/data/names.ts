import type { Sex } from './growth.js';
import type { Random } from './random.js';

const GIVEN: Record<Sex, readonly string[]> = {
  female: [
    'Zoë',
    'María José',
    'Agnieszka',
    'Ingrid',
    'Élodie',
    'Jana',
    'Þóra',
    'Amélie',
    'Nurcan',
    'Beatrice',
  ],
  male: ['Björn', 'André', 'Łukasz', 'Tomáš', 'Iñigo', 'Gergő', 'Samuel', 'Émile', 'Søren', 'Matteo'],
};

const FAMILY = [
  'Sjöberg',
  'Castañeda',
  'Wójcik',
  'Dvořák',
  'Lefèvre',
  'Müller',
  'Ó Briain',
  'Yıldız',
  'Nagy',
  'Jørgensen',
  'Gonçalves',
  'Harrow',
  'Bianchi',
  'Kovačević',
];

export interface PersonName {
  given: string;
  family: string;
}

/** Draws names that do not repeat until a list has been used up. */
export function nameSource(random: Random): (sex: Sex) => PersonName {
  const given = { female: deck(GIVEN.female, random), male: deck(GIVEN.male, random) };
  const family = deck(FAMILY, random);
  return (sex) => ({ given: given[sex](), family: family() });
}

function deck(all: readonly string[], random: Random): () => string {
  let left: readonly string[] = [];
  return () => {
    if (left.length === 0) left = all;
    const drawn = random.pick(left);
    left = left.filter((other) => other !== drawn);
    return drawn;
  };
}

const LETTERS: Record<string, string> = { ł: 'l', ø: 'o', þ: 'th', ı: 'i', ß: 'ss', æ: 'ae' };

/** A name as an id: ASCII, lower case, hyphens. */
export function slug(name: PersonName): string {
  return `${name.given} ${name.family}`
    .toLowerCase()
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replace(/[łøþıßæ]/g, (letter) => LETTERS[letter] ?? '')
    .replace(/[^a-z0-9]+/g, '-');
}
