import { Controller, Get, Redirect } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';

/** The way to the EHR for somebody who opened the app without it. */
@Controller('ehr')
export class EhrLinkController {
  constructor(private readonly config: ConfigService) {}

  @Get()
  @Redirect()
  ehr(): { url: string } {
    return { url: this.config.getOrThrow<string>('app.ehrUrl') };
  }
}
