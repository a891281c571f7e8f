import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { SmartOnFhirModule } from 'nestjs-smart-on-fhir';
import { ChartController } from './chart.controller.js';
import { EhrLinkController } from './ehr-link.controller.js';
import { smartOptions } from './smart-options.js';

export interface AppSettings {
  /** where browsers find this app, without a slash at the end */
  url: string;
  /** FHIR base of the EHR that launches it */
  ehrFhirBaseUrl: string;
  /** the EHR's page to launch from */
  ehrUrl: string;
}

@Module({ controllers: [ChartController, EhrLinkController] })
export class AppModule {
  static forRoot(settings: AppSettings): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot({ isGlobal: true, load: [() => ({ app: settings })] }),
        SmartOnFhirModule.forRootAsync({ inject: [ConfigService], useFactory: smartOptions }),
      ],
    };
  }
}
