import { faults } from '../contract/faults.ts';
import {
  detectionModels,
  recognitionModels,
  type DetectionModel,
  type RecognitionModel,
} from '../contract/vision.ts';

/** @throws FaceFault for an unknown name */
export function readDetectionModel(name: unknown = 'detection_01'): DetectionModel {
  const found = detectionModels.find((model) => model === name);
  if (found === undefined) throw faults.badArgument("'detectionModel' is invalid.");
  return found;
}

/** @throws FaceFault for an unknown name */
export function readRecognitionModel(name: unknown = 'recognition_01'): RecognitionModel {
  const found = recognitionModels.find((model) => model === name);
  if (found === undefined) throw faults.badArgument("'recognitionModel' is invalid.");
  return found;
}
