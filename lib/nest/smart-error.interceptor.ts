import { Injectable } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { map } from 'rxjs';
import type { Observable } from 'rxjs';
import { unwrap } from '../smart-error.js';
import { recallReady } from './ready-memo.js';

/**
 * A guarded route that returns a SmartError, because nobody unwrapped it, must not answer 200: who wrote an
 * Observation would believe that it is stored. The error is thrown, and so answered with its status.
 */
@Injectable()
export class SmartErrorInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const answer: Observable<unknown> = next.handle();
    return recallReady(context) ? answer.pipe(map((value) => unwrap(value))) : answer;
  }
}
