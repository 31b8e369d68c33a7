import { expect, test } from './fixtures.ts';
test('dbg', async ({ demo, server, page }) => {
  await demo.open();
  const k = page.keyboard;
  const show = async (n: string) => { await page.waitForTimeout(300); console.log(n, await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 80).replaceAll(/\s+/g,' '))); };
  await page.getByTestId('settings').focus();
  await k.press('Enter'); await show('open');
  for (let i = 0; i < 8; i++) { await k.press('Tab'); await show('tab'); }
  await page.getByTestId('provider-select').focus(); await k.press('End');
  await show('end'); console.log(await page.getByTestId('provider-select').inputValue());
  await k.press('ArrowDown');
  await show('end'); console.log(await page.getByTestId('provider-select').inputValue());
  for (let i = 0; i < 8; i++) { await k.press('Tab'); await show('tab'); }
  const { records } = await demo.downloadTrace();
  console.log(records.length);
});
