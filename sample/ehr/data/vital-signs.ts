import type { CodeableConcept, Observation, Quantity } from 'fhir/r4.js';

import type { Vitals } from './vital-course.js';

interface VitalSign {
  name: string;
  code: string;
  display: string;
  unit: string;
  /** UCUM */
  unitCode: string;
  value: (vitals: Vitals) => number;
}

const VITAL_SIGNS: readonly VitalSign[] = [
  {
    name: 'height',
    code: '8302-2',
    display: 'Body height',
    unit: 'cm',
    unitCode: 'cm',
    value: (v) => v.height,
  },
  {
    name: 'weight',
    code: '29463-7',
    display: 'Body weight',
    unit: 'kg',
    unitCode: 'kg',
    value: (v) => v.weight,
  },
  {
    name: 'bmi',
    code: '39156-5',
    display: 'Body mass index (BMI) [Ratio]',
    unit: 'kg/m2',
    unitCode: 'kg/m2',
    value: (v) => v.bodyMassIndex,
  },
  {
    name: 'heart-rate',
    code: '8867-4',
    display: 'Heart rate',
    unit: 'beats/minute',
    unitCode: '/min',
    value: (v) => v.heartRate,
  },
  {
    name: 'temperature',
    code: '8310-5',
    display: 'Body temperature',
    unit: 'Cel',
    unitCode: 'Cel',
    value: (v) => v.temperature,
  },
];

const PRESSURES: readonly Omit<VitalSign, 'name'>[] = [
  {
    code: '8480-6',
    display: 'Systolic blood pressure',
    unit: 'mmHg',
    unitCode: 'mm[Hg]',
    value: (v) => v.systolic,
  },
  {
    code: '8462-4',
    display: 'Diastolic blood pressure',
    unit: 'mmHg',
    unitCode: 'mm[Hg]',
    value: (v) => v.diastolic,
  },
];

export interface Visit {
  /** starts the ids of the Observations */
  id: string;
  patient: string;
  encounter: string;
  practitioner: string;
  dateTime: string;
}

export function vitalSignObservations(visit: Visit, vitals: Vitals): Observation[] {
  return [
    ...VITAL_SIGNS.map((sign) => ({
      ...observation(visit, sign.name, loinc(sign.code, sign.display)),
      valueQuantity: quantity(sign, vitals),
    })),
    {
      ...observation(visit, 'blood-pressure', loinc('85354-9', 'Blood pressure panel')),
      component: PRESSURES.map((pressure) => ({
        code: loinc(pressure.code, pressure.display),
        valueQuantity: quantity(pressure, vitals),
      })),
    },
  ];
}

function observation(visit: Visit, name: string, code: CodeableConcept): Observation {
  return {
    resourceType: 'Observation',
    id: `${visit.id}-${name}`,
    status: 'final',
    category: [
      {
        coding: [
          {
            system: 'http://terminology.hl7.org/CodeSystem/observation-category',
            code: 'vital-signs',
            display: 'Vital Signs',
          },
        ],
      },
    ],
    code,
    subject: { reference: `Patient/${visit.patient}` },
    encounter: { reference: `Encounter/${visit.encounter}` },
    performer: [{ reference: `Practitioner/${visit.practitioner}` }],
    effectiveDateTime: visit.dateTime,
    issued: visit.dateTime,
  };
}

function loinc(code: string, display: string): CodeableConcept {
  return { coding: [{ system: 'http://loinc.org', code, display }], text: display };
}

function quantity({ value, unit, unitCode }: Omit<VitalSign, 'name'>, vitals: Vitals): Quantity {
  return { value: value(vitals), unit, system: 'http://unitsofmeasure.org', code: unitCode };
}
