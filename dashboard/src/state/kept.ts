/* kept.ts — what this browser remembers; it works without a memory, too. */

export function kept<T extends string>(name: string, values: readonly T[]): T | null {
  try {
    const value = localStorage.getItem(`aigc-${name}`) as T | null
    return value !== null && values.includes(value) ? value : null
  } catch {
    return null
  }
}

export function keep(name: string, value: string) {
  try {
    localStorage.setItem(`aigc-${name}`, value)
  } catch {
    /* it is not remembered */
  }
}
