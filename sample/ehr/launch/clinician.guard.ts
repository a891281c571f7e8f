import { Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Ehr } from '../ehr.js';

/** Where a real EHR looks for the session of its user: the demo's clinician is always logged in. */
@Injectable()
export class ClinicianGuard implements CanActivate {
  constructor(private readonly ehr: Ehr) {}

  canActivate(context: ExecutionContext): boolean {
    context.switchToHttp().getRequest<{ user?: { id: string } }>().user = { id: this.ehr.clinician.id };
    return true;
  }
}
