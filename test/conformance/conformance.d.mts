export interface Row {
  id: string;
  level: string;
  asks: string;
  /** why the row is left out */
  reason?: string;
}

export interface Test {
  /** path below the repository */
  file: string;
  title: string;
  status: string;
  ids: string[];
}

export interface RowResult extends Row {
  tests: Test[];
  result: 'passed' | 'failed' | 'no test';
}

export interface Area<R extends Row = Row> {
  area: string;
  title: string;
  isFinished: boolean;
  rows: R[];
}

interface JestReport {
  testResults: { name: string; assertionResults: { title: string; status: string }[] }[];
}

export const FINISHED: string[];
export function readAreas(): Area[];
export function idsInTitle(title: string): string[];
export function idsInSource(source: string): string[];
export function testsOf(report: JestReport, root: string): Test[];
export function withResults(areas: Area[], tests: Test[]): Area<RowResult>[];
export function faultsOf(areas: Area<RowResult>[], tests: Test[], output: string): string[];
