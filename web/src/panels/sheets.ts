/** What is seldom opened, in one file of its own. */
export { default as LayoutsSheet } from "./LayoutsSheet.svelte";
export { default as Login } from "./Login.svelte";
export { default as SettingsSheet } from "./SettingsSheet.svelte";
export { default as StudyForm } from "./StudyForm.svelte";
export { default as StudyMenu } from "./StudyMenu.svelte";
