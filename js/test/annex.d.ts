declare module "virtual:annex" {
  const script: string;
  export default script;
}
