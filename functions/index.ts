/** Registers every function of the app. This file is the entry point of the bundle. */
import '../shared/config/supportedNode.js';
import './host/telemetry.ts';
import './detectFaces.ts';
import './lookAtPicture.ts';
import './addFace.ts';
import './trainGroup.ts';
import './identifyDropped.ts';
import './http.ts';
import './removePicture.ts';
import './eraseGroup.ts';
import './sweep.ts';
import './retrain.ts';
